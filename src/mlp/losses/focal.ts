import { Type } from 'typebox'
import { type Graph, unitsOf } from '../graph.ts'
import type { Value } from '../operations.ts'
import { crossentropyOnLogits } from './binary-crossentropy.ts'
import type { Loss } from './loss.ts'

const options = {
  alpha: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, maximum: 1, description: 'Factor of the loss. Default: 0.25.' }),
  ),
  gamma: Type.Optional(
    Type.Number({ minimum: 1, maximum: 10, description: 'How much easy examples count less. Default: 2.' }),
  ),
}

const CategoricalSchema = Type.Object(
  { type: Type.Literal('categoricalFocalCrossentropy'), ...options },
  { additionalProperties: false, title: 'Categorical focal cross-entropy' },
)

const BinarySchema = Type.Object(
  {
    type: Type.Literal('binaryFocalCrossentropy'),
    ...options,
    applyClassBalancing: Type.Optional(
      Type.Boolean({ description: 'Whether alpha weighs class 1, and 1 − alpha class 0. Default: false.' }),
    ),
  },
  { additionalProperties: false, title: 'Binary focal cross-entropy' },
)

/** Categorical focal cross-entropy with its defaults filled in. */
export type CategoricalFocalCrossentropy = Required<Type.Static<typeof CategoricalSchema>>

/** Binary focal cross-entropy with its defaults filled in. */
export type BinaryFocalCrossentropy = Required<Type.Static<typeof BinarySchema>>

/**
 * L = α (1 − p)^γ C with the cross-entropy C and p = e^−C, the probability of the label, softmax for the output.
 * Back: ∂L/∂z = ∂L/∂C · (ŷ − y), see `focus`.
 * @see Lin et al. (2017), "Focal loss for dense object detection", eq. 4 and 5; keras/src/losses/losses.py
 */
export const categoricalFocalCrossentropy: Loss<typeof CategoricalSchema, CategoricalFocalCrossentropy> = {
  schema: CategoricalSchema,
  resolve: ({ alpha, gamma }) => ({
    type: 'categoricalFocalCrossentropy',
    alpha: alpha ?? 0.25,
    gamma: gamma ?? 2,
  }),
  onLogits: 'softmax',
  tasks: ['classification'],
  allowsOneUnit: false,
  write(graph, { alpha, gamma }, { logits, labels }) {
    const { losses, gradient } = graph.softmaxCrossEntropy(logits, labels)
    const focused = focus(graph, losses, gamma)
    return {
      losses: graph.scale(focused.losses, alpha),
      gradient() {
        const slope = graph.scale(graph.reshape(focused.slope(), ['batch', 1]), alpha)
        return graph.multiply(gradient, slope)
      },
    }
  },
}

/**
 * The same with sigmoid for the output and the binary cross-entropy of each unit; the loss is the mean over the units.
 * With class balancing the factor is α for y = 1 and 1 − α for y = 0; without, there is none, as in Keras.
 * @see keras/src/losses/losses.py, BinaryFocalCrossentropy
 */
export const binaryFocalCrossentropy: Loss<typeof BinarySchema, BinaryFocalCrossentropy> = {
  schema: BinarySchema,
  resolve: ({ alpha, gamma, applyClassBalancing }) => ({
    type: 'binaryFocalCrossentropy',
    alpha: alpha ?? 0.25,
    gamma: gamma ?? 2,
    applyClassBalancing: applyClassBalancing ?? false,
  }),
  onLogits: 'sigmoid',
  tasks: ['classification', 'multiLabel'],
  allowsOneUnit: true,
  write(graph, { alpha, gamma, applyClassBalancing }, { logits, predictions, labels }) {
    const units = unitsOf(logits)
    const y = graph.targets(labels, units)
    const focused = focus(graph, crossentropyOnLogits(graph, logits, y), gamma)
    const weigh = (value: Value) =>
      applyClassBalancing
        ? graph.multiply(value, graph.shift(graph.scale(y, 2 * alpha - 1), 1 - alpha))
        : value
    return {
      losses: graph.meanLoss(weigh(focused.losses)),
      gradient() {
        const error = graph.subtract(predictions, y)
        return graph.scale(graph.multiply(weigh(focused.slope()), error), 1 / units)
      },
    }
  },
}

/** (1 − p)^γ C with p = e^−C, and its slope: ∂/∂C = (1 − p)^γ + γ (1 − p)^(γ − 1) p C. */
function focus(graph: Graph, crossentropy: Value, gamma: number) {
  const p = graph.unary('exp', graph.scale(crossentropy, -1))
  const miss = graph.shift(graph.scale(p, -1), 1)
  const factor = graph.binary('power', miss, graph.constant(gamma))
  return {
    losses: graph.multiply(factor, crossentropy),
    slope() {
      const steepness = graph.scale(graph.binary('power', miss, graph.constant(gamma - 1)), gamma)
      return graph.add(factor, graph.multiply(steepness, graph.multiply(p, crossentropy)))
    },
  }
}
