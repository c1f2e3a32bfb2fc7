import { Type } from 'typebox'
import { unitsOf } from '../graph.ts'
import type { LayerKind } from './layer.ts'

const Schema = Type.Object(
  {
    type: Type.Literal('dropout'),
    rate: Type.Number({
      minimum: 0,
      exclusiveMaximum: 1,
      description: 'The part of the inputs that is dropped.',
    }),
  },
  { additionalProperties: false, title: 'Dropout layer' },
)

/** A layer that drops some of its inputs in training. */
export type Dropout = Type.Static<typeof Schema>

/**
 * y = x ⊙ m in training, with mᵢ = 0 with probability `rate`, else 1 / (1 − rate); y = x in prediction.
 * Back: ∂L/∂x = ∂L/∂y ⊙ m.
 * @see Srivastava et al. (2014), "Dropout"; scaled in training ("inverted"), as keras/src/layers/regularization/dropout.py
 */
export const dropout: LayerKind<typeof Schema, Dropout> = {
  schema: Schema,
  resolve: ({ rate }) => ({ type: 'dropout', rate }),
  units: (_layer, inputUnits) => inputUnits,
  countParameters: () => 0,
  build: (_graph, name, { rate }) => [
    {
      isTrained: false,
      forward(graph, x, mode, { step }) {
        if (mode === 'inference' || rate === 0) {
          return { output: x, backward: gradient => ({ input: gradient, variables: [] }) }
        }
        const mask = graph.value(['batch', unitsOf(x)])
        graph.emit({ kind: 'dropoutMask', rate, stream: `dropout/${name}`, step, output: mask })
        return {
          output: graph.multiply(x, mask),
          backward: gradient => ({ input: graph.multiply(gradient, mask), variables: [] }),
        }
      },
    },
  ],
}
