import { Type } from 'typebox'
import type { Loss } from './loss.ts'

const Schema = Type.Object(
  { type: Type.Literal('klDivergence') },
  { additionalProperties: false, title: 'Kullback–Leibler divergence' },
)

/** Kullback–Leibler divergence. */
export type KlDivergence = Type.Static<typeof Schema>

/**
 * L = Σ yⱼ log(yⱼ / ŷⱼ) with ŷ = softmax(z). A class label is a distribution without entropy, so that the loss is
 * −log ŷ_label, computed from the logits; back: ∂L/∂z = ŷ − y.
 * @see Kullback & Leibler (1951), "On information and sufficiency", eq. 2.4; keras/src/losses/losses.py, kl_divergence
 */
export const klDivergence: Loss<typeof Schema, KlDivergence> = {
  schema: Schema,
  resolve: ({ type }) => ({ type }),
  onLogits: 'softmax',
  tasks: ['classification'],
  allowsOneUnit: false,
  write(graph, _spec, { logits, labels }) {
    const { losses, gradient } = graph.softmaxCrossEntropy(logits, labels)
    return { losses, gradient: () => gradient }
  },
}
