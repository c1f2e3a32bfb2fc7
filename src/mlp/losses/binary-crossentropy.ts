import { Type } from 'typebox'
import { type Graph, unitsOf } from '../graph.ts'
import type { Value } from '../operations.ts'
import { LabelSmoothingSchema } from './label-smoothing.ts'
import type { Loss } from './loss.ts'

const Schema = Type.Object(
  { type: Type.Literal('binaryCrossentropy'), labelSmoothing: Type.Optional(LabelSmoothingSchema) },
  { additionalProperties: false, title: 'Binary cross-entropy' },
)

/** Binary cross-entropy with its defaults filled in. */
export type BinaryCrossentropy = Required<Type.Static<typeof Schema>>

/**
 * L = −mean over units of y log ŷ + (1 − y) log(1 − ŷ) with ŷ = σ(z) and y = (1 − α) · target + α / 2.
 * Back: ∂L/∂z = (ŷ − y) / units.
 * @see Bishop, "Pattern Recognition and Machine Learning" (2006), eq. 4.90; keras/src/losses/losses.py
 */
export const binaryCrossentropy: Loss<typeof Schema, BinaryCrossentropy> = {
  schema: Schema,
  resolve: ({ labelSmoothing }) => ({ type: 'binaryCrossentropy', labelSmoothing: labelSmoothing ?? 0 }),
  onLogits: 'sigmoid',
  tasks: ['classification', 'multiLabel'],
  allowsOneUnit: true,
  write(graph, { labelSmoothing }, { logits, predictions, labels }) {
    const units = unitsOf(logits)
    const sharp = graph.targets(labels, units)
    const y = graph.shift(graph.scale(sharp, 1 - labelSmoothing), labelSmoothing / 2)
    return {
      losses: graph.meanLoss(crossentropyOnLogits(graph, logits, y)),
      gradient: () => graph.scale(graph.subtract(predictions, y), 1 / units),
    }
  },
}

/**
 * −(y log σ(z) + (1 − y) log(1 − σ(z))) of each unit, as max(z, 0) − z y + log(1 + e^−|z|), which cannot overflow.
 * @see tf.nn.sigmoid_cross_entropy_with_logits
 */
export function crossentropyOnLogits(graph: Graph, z: Value, y: Value): Value {
  const linear = graph.subtract(graph.unary('relu', z), graph.multiply(z, y))
  const logistic = graph.unary('softplus', graph.scale(graph.unary('abs', z), -1))
  return graph.add(linear, logistic)
}
