import { Type } from 'typebox'
import type { Loss } from './loss.ts'

const Schema = Type.Object(
  { type: Type.Literal('sparseCategoricalCrossentropy') },
  { additionalProperties: false, title: 'Sparse categorical cross-entropy' },
)

/** Sparse categorical cross-entropy. */
export type SparseCategoricalCrossentropy = Type.Static<typeof Schema>

/**
 * Categorical cross-entropy by its other name in Keras, for labels that are class numbers, as all of a dataset's are.
 * @see keras/src/losses/losses.py, SparseCategoricalCrossentropy
 */
export const sparseCategoricalCrossentropy: Loss<typeof Schema, SparseCategoricalCrossentropy> = {
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
