import { Type } from 'typebox'
import type { Graph, Variable } from '../graph.ts'
import type { Value } from '../operations.ts'
import type { Block, BlockStep, StepInputs } from './block.ts'
import type { LayerKind } from './layer.ts'
import { type Affine, declareAffine, normalizationProperties, type Rows } from './normalization.ts'
import { resolveTrainable } from './trainable.ts'

const Schema = Type.Object(
  {
    type: Type.Literal('batchNormalization'),
    momentum: Type.Optional(
      Type.Number({
        minimum: 0,
        exclusiveMaximum: 1,
        description: 'How much of the moving mean and variance stays at each step. Default: 0.99.',
      }),
    ),
    ...normalizationProperties,
  },
  { additionalProperties: false, title: 'Batch normalisation' },
)

/** A layer that normalises each unit over the examples of a step. */
export interface BatchNormalization extends Rows {
  type: 'batchNormalization'
  momentum: number
  epsilon: number
}

/**
 * y = γ ⊙ x̂ + β, x̂ = (x − μ) / √(σ² + ε). In training μ and σ² are each unit's mean and (biased) variance over the
 * examples of the whole step, in prediction their moving means: m ← momentum · m + (1 − momentum) · μ, and likewise
 * for σ². A frozen layer does in training what it does in prediction, and its moving means stay.
 * @see Ioffe & Szegedy (2015), "Batch normalization", algorithm 1; keras/src/layers/normalization/batch_normalization.py,
 *   whose documentation says so of `trainable = False`
 */
export const batchNormalization: LayerKind<typeof Schema, BatchNormalization> = {
  schema: Schema,
  resolve: ({ momentum, epsilon, center, scale, trainable }) => ({
    type: 'batchNormalization',
    momentum: momentum ?? 0.99,
    epsilon: epsilon ?? 1e-3,
    center: center ?? true,
    scale: scale ?? true,
    ...resolveTrainable({ trainable }),
  }),
  units: (_layer, inputUnits) => inputUnits,
  countParameters: ({ center, scale }, inputUnits) => inputUnits * (2 + Number(center) + Number(scale)),
  build(graph, name, layer, inputUnits) {
    const affine = declareAffine(graph, name, layer, inputUnits)
    const moving: Moving = {
      mean: declareStatistic(graph, `${name}/moving_mean`, inputUnits, 0),
      variance: declareStatistic(graph, `${name}/moving_variance`, inputUnits, 1),
    }
    const block: Block = {
      isTrained: affine.isTrained,
      forward: (at, x, mode, inputs) =>
        mode === 'training' && layer.trainable !== false
          ? trainForward(at, x, layer, affine, moving, inputs)
          : predictForward(at, x, layer, affine, moving),
    }
    return [block]
  },
}

interface Moving {
  mean: Variable
  variance: Variable
}

function declareStatistic(graph: Graph, name: string, units: number, first: number): Variable {
  return graph.variable({
    name,
    role: 'statistic',
    shape: [units],
    initialize: () => new Float32Array(units).fill(first),
  })
}

/**
 * Sums go over the whole step, also where its examples are split over threads. Back, for g = ∂L/∂x̂ and N examples:
 * ∂L/∂x = (g − Σ g / N − x̂ Σ(g ⊙ x̂) / N) / √(σ² + ε).
 */
function trainForward(
  graph: Graph,
  x: Value,
  { momentum, epsilon }: BatchNormalization,
  affine: Affine,
  moving: Moving,
  { exampleCount }: StepInputs,
): BlockStep {
  const mean = (value: Value) => graph.divide(graph.total(graph.sumExamples(value)), exampleCount)
  const average = mean(x)
  const centered = graph.subtract(x, average)
  const variance = mean(graph.unary('square', centered))
  const deviation = graph.unary('sqrt', graph.shift(variance, epsilon))
  const normalized = graph.divide(centered, deviation)
  const follow = (variable: Variable, now: Value) => ({
    variable,
    x: graph.add(graph.scale(variable.value, momentum), graph.scale(now, 1 - momentum)),
  })
  return {
    output: affine.forward(graph, normalized),
    statistics: [follow(moving.mean, average), follow(moving.variance, variance)],
    backward(gradient, wantsInput) {
      const variables = affine.backwardRows(graph, gradient, normalized)
      if (!wantsInput) return { input: null, variables }
      const g = affine.backwardInput(graph, gradient)
      const along = graph.multiply(normalized, mean(graph.multiply(g, normalized)))
      const input = graph.divide(graph.subtract(graph.subtract(g, mean(g)), along), deviation)
      return { input, variables }
    },
  }
}

function predictForward(
  graph: Graph,
  x: Value,
  { epsilon }: BatchNormalization,
  affine: Affine,
  moving: Moving,
): BlockStep {
  const deviation = graph.unary('sqrt', graph.shift(moving.variance.value, epsilon))
  const normalized = graph.divide(graph.subtract(x, moving.mean.value), deviation)
  return {
    output: affine.forward(graph, normalized),
    // The moving means are constants here, and rows are trained in training mode only.
    backward: (gradient, wantsInput) => ({
      input: wantsInput ? graph.divide(affine.backwardInput(graph, gradient), deviation) : null,
      variables: [],
    }),
  }
}
