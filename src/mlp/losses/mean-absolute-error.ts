import { Type } from 'typebox'
import { unitsOf } from '../graph.ts'
import { TASKS } from '../task.ts'
import type { Loss } from './loss.ts'

const Schema = Type.Object(
  { type: Type.Literal('meanAbsoluteError') },
  { additionalProperties: false, title: 'Mean absolute error' },
)

/** Mean absolute error. */
export type MeanAbsoluteError = Type.Static<typeof Schema>

/**
 * L = mean over units of |ŷ − y|. Back: ∂L/∂ŷ = sign(ŷ − y) / units, 0 where they are equal.
 * @see keras/src/losses/losses.py, mean_absolute_error
 */
export const meanAbsoluteError: Loss<typeof Schema, MeanAbsoluteError> = {
  schema: Schema,
  resolve: ({ type }) => ({ type }),
  onLogits: null,
  tasks: TASKS,
  allowsOneUnit: true,
  write(graph, _spec, { predictions, labels }) {
    const units = unitsOf(predictions)
    const error = graph.subtract(predictions, graph.targets(labels, units))
    return {
      losses: graph.meanLoss(graph.unary('abs', error)),
      gradient: () => graph.scale(graph.unary('sign', error), 1 / units),
    }
  },
}
