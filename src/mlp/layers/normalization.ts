import { Type } from 'typebox'
import type { Graph, Variable } from '../graph.ts'
import type { Value } from '../operations.ts'
import { type Freezable, trainableProperty, weightRole } from './trainable.ts'

/** Fields that both normalisations take in a request. */
export const normalizationProperties = {
  epsilon: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, maximum: 1, description: 'Added to the variance. Default: 0.001.' }),
  ),
  center: Type.Optional(Type.Boolean({ description: 'Whether to add a trained offset. Default: true.' })),
  scale: Type.Optional(
    Type.Boolean({ description: 'Whether to multiply by a trained factor. Default: true.' }),
  ),
  ...trainableProperty,
}

/** Which of the two rows a normalisation has, and whether they are trained. */
export interface Rows extends Freezable {
  center: boolean
  scale: boolean
}

/** The trained rows behind a normalisation: y = γ ⊙ x̂ + β. */
export interface Affine {
  /** Whether there are rows, and they are trained. */
  readonly isTrained: boolean
  forward(graph: Graph, normalized: Value): Value
  /** `∂L/∂x̂` from `∂L/∂y`. */
  backwardInput(graph: Graph, gradient: Value): Value
  /** ∂L/∂γ = Σ ∂L/∂y ⊙ x̂ and ∂L/∂β = Σ ∂L/∂y over the examples at hand. */
  backwardRows(graph: Graph, gradient: Value, normalized: Value): { variable: Variable; gradient: Value }[]
}

/** Declares γ, at first ones, and β, at first zeros, both `[units]`, as far as they are wanted. */
export function declareAffine(graph: Graph, name: string, rows: Rows, units: number): Affine {
  const { scale, center } = rows
  const role = weightRole(rows)
  const row = (variable: string, first: number) =>
    graph.variable({
      name: `${name}/${variable}`,
      role,
      shape: [units],
      initialize: () => new Float32Array(units).fill(first),
    })
  const gamma = scale ? row('gamma', 1) : null
  const beta = center ? row('beta', 0) : null
  return {
    isTrained: role === 'weight' && (scale || center),
    forward(at, normalized) {
      const scaled = gamma ? at.multiply(normalized, gamma.value) : normalized
      return beta ? at.add(scaled, beta.value) : scaled
    },
    backwardInput: (at, gradient) => (gamma ? at.multiply(gradient, gamma.value) : gradient),
    backwardRows: (at, gradient, normalized) =>
      role === 'frozen'
        ? []
        : [
            ...(gamma
              ? [{ variable: gamma, gradient: at.sumExamples(at.multiply(gradient, normalized)) }]
              : []),
            ...(beta ? [{ variable: beta, gradient: at.sumExamples(gradient) }] : []),
          ],
  }
}
