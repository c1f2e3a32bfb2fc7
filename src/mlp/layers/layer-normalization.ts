import { Type } from 'typebox'
import type { Graph } from '../graph.ts'
import type { Value } from '../operations.ts'
import type { LayerKind } from './layer.ts'
import { declareAffine, normalizationProperties, type Rows } from './normalization.ts'
import { resolveTrainable } from './trainable.ts'

const Schema = Type.Object(
  { type: Type.Literal('layerNormalization'), ...normalizationProperties },
  { additionalProperties: false, title: 'Layer normalisation' },
)

/** A layer that normalises each example over its units. */
export interface LayerNormalization extends Rows {
  type: 'layerNormalization'
  epsilon: number
}

/**
 * y = γ ⊙ x̂ + β, x̂ = (x − μ) / √(σ² + ε), with the mean μ and the variance σ² of the example's units.
 * Back, for g = ∂L/∂x̂: ∂L/∂x = (g − mean g − x̂ mean(g ⊙ x̂)) / √(σ² + ε).
 * @see Ba, Kiros & Hinton (2016), "Layer normalization", eq. 4; keras/src/layers/normalization/layer_normalization.py
 */
export const layerNormalization: LayerKind<typeof Schema, LayerNormalization> = {
  schema: Schema,
  resolve: ({ epsilon, center, scale, trainable }) => ({
    type: 'layerNormalization',
    epsilon: epsilon ?? 1e-3,
    center: center ?? true,
    scale: scale ?? true,
    ...resolveTrainable({ trainable }),
  }),
  units: (_layer, inputUnits) => inputUnits,
  countParameters: ({ center, scale }, inputUnits) => inputUnits * (Number(center) + Number(scale)),
  build(declaring, name, layer, inputUnits) {
    const affine = declareAffine(declaring, name, layer, inputUnits)
    return [
      {
        isTrained: affine.isTrained,
        forward(graph, x) {
          const centered = graph.subtract(x, graph.meanUnits(x))
          const variance = graph.meanUnits(graph.unary('square', centered))
          const deviation = graph.unary('sqrt', graph.shift(variance, layer.epsilon))
          const normalized = graph.divide(centered, deviation)
          return {
            output: affine.forward(graph, normalized),
            backward: (gradient, wantsInput) => ({
              variables: affine.backwardRows(graph, gradient, normalized),
              input: wantsInput
                ? graph.divide(center(graph, affine.backwardInput(graph, gradient), normalized), deviation)
                : null,
            }),
          }
        },
      },
    ]
  },
}

/** g − mean g − x̂ mean(g ⊙ x̂), means over the units. */
function center(graph: Graph, gradient: Value, normalized: Value): Value {
  const along = graph.multiply(normalized, graph.meanUnits(graph.multiply(gradient, normalized)))
  return graph.subtract(graph.subtract(gradient, graph.meanUnits(gradient)), along)
}
