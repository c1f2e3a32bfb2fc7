import { Type } from 'typebox'
import { ACTIVATIONS, type ActivationName, ActivationSchema } from '../activations/registry.ts'
import type { Block } from './block.ts'
import type { LayerKind } from './layer.ts'

const Schema = Type.Object(
  { type: Type.Literal('activation'), activation: ActivationSchema },
  { additionalProperties: false, title: 'Activation layer' },
)

/** An activation that stands apart from its dense layer, behind a normalisation say. */
export type ActivationLayer = Type.Static<typeof Schema>

/** @see keras/src/layers/activations/activation.py */
export const activation: LayerKind<typeof Schema, ActivationLayer> = {
  schema: Schema,
  resolve: ({ activation }) => ({ type: 'activation', activation }),
  units: (_layer, inputUnits) => inputUnits,
  countParameters: () => 0,
  build: (_graph, _name, { activation }) => [activationBlock(activation)],
}

/** y = f(z). Back: ∂L/∂z = ∂L/∂y ⊙ f′(z). */
export function activationBlock(name: ActivationName): Block {
  const { forward, backward } = ACTIVATIONS[name]
  return {
    isTrained: false,
    forward(graph, z) {
      const y = forward(graph, z)
      return {
        output: y,
        backward: gradient => ({ input: backward(graph, gradient, { z, y }), variables: [] }),
      }
    },
  }
}
