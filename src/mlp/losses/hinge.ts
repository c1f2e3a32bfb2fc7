import { Type } from 'typebox'
import { unitsOf } from '../graph.ts'
import type { Loss } from './loss.ts'

const Schema = Type.Object(
  { type: Type.Literal('hinge') },
  { additionalProperties: false, title: 'Hinge loss' },
)

/** Hinge loss. */
export type Hinge = Type.Static<typeof Schema>

/**
 * L = mean over units of max(0, 1 − y ŷ) with y = 1 for the unit of the label and −1 for the others.
 * Back: ∂L/∂ŷ = −y / units where y ŷ < 1, else 0.
 * @see Cortes & Vapnik (1995), "Support-vector networks"; keras/src/losses/losses.py, hinge
 */
export const hinge: Loss<typeof Schema, Hinge> = {
  schema: Schema,
  resolve: ({ type }) => ({ type }),
  onLogits: null,
  tasks: ['classification', 'multiLabel'],
  allowsOneUnit: false,
  write(graph, _spec, { predictions, labels }) {
    const units = unitsOf(predictions)
    const y = graph.shift(graph.scale(graph.targets(labels, units), 2), -1)
    const margin = graph.unary('relu', graph.shift(graph.scale(graph.multiply(y, predictions), -1), 1))
    return {
      losses: graph.meanLoss(margin),
      gradient: () => graph.scale(graph.binary('reluGradient', y, margin), -1 / units),
    }
  },
}
