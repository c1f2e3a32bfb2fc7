import { Type } from 'typebox'
import { unitsOf } from '../graph.ts'
import { LabelSmoothingSchema } from './label-smoothing.ts'
import type { Loss } from './loss.ts'

const Schema = Type.Object(
  { type: Type.Literal('categoricalCrossentropy'), labelSmoothing: Type.Optional(LabelSmoothingSchema) },
  { additionalProperties: false, title: 'Categorical cross-entropy' },
)

/** Categorical cross-entropy with its defaults filled in. */
export type CategoricalCrossentropy = Required<Type.Static<typeof Schema>>

/**
 * L = −Σ yⱼ log ŷⱼ with ŷ = softmax(z) and y = (1 − α) · one-hot label + α / K for K classes, computed from the logits
 * as log Σ e^(zⱼ − max) − (z_label − max) + α (z_label − mean z). Back: ∂L/∂z = ŷ − y.
 * @see Bishop, "Pattern Recognition and Machine Learning" (2006), eq. 4.108 and 4.109
 * @see Szegedy et al. (2016), "Rethinking the Inception architecture", section 7, for the smoothing
 */
export const categoricalCrossentropy: Loss<typeof Schema, CategoricalCrossentropy> = {
  schema: Schema,
  resolve: ({ labelSmoothing }) => ({
    type: 'categoricalCrossentropy',
    labelSmoothing: labelSmoothing ?? 0,
  }),
  onLogits: 'softmax',
  tasks: ['classification'],
  allowsOneUnit: false,
  write(graph, { labelSmoothing }, { logits, labels }) {
    const sharp = graph.softmaxCrossEntropy(logits, labels)
    if (labelSmoothing === 0) return { losses: sharp.losses, gradient: () => sharp.gradient }
    const units = unitsOf(logits)
    const away = graph.shift(graph.targets(labels, units), -1 / units) // one-hot − 1 / K
    const pull = graph.reshape(graph.sumUnits(graph.multiply(logits, away)), ['batch'])
    return {
      losses: graph.add(sharp.losses, graph.scale(pull, labelSmoothing)),
      gradient: () => graph.add(sharp.gradient, graph.scale(away, labelSmoothing)),
    }
  },
}
