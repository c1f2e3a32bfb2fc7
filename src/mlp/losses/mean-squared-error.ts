import { Type } from 'typebox'
import { unitsOf } from '../graph.ts'
import { TASKS } from '../task.ts'
import type { Loss } from './loss.ts'

const Schema = Type.Object(
  { type: Type.Literal('meanSquaredError') },
  { additionalProperties: false, title: 'Mean squared error' },
)

/** Mean squared error. */
export type MeanSquaredError = Type.Static<typeof Schema>

/**
 * L = mean over units of (ŷ − y)². Back: ∂L/∂ŷ = 2 (ŷ − y) / units.
 * @see keras/src/losses/losses.py, mean_squared_error
 */
export const meanSquaredError: Loss<typeof Schema, MeanSquaredError> = {
  schema: Schema,
  resolve: ({ type }) => ({ type }),
  onLogits: null,
  tasks: TASKS,
  allowsOneUnit: true,
  write(graph, _spec, { predictions, labels }) {
    const units = unitsOf(predictions)
    const error = graph.subtract(predictions, graph.targets(labels, units))
    return {
      losses: graph.meanLoss(graph.unary('square', error)),
      gradient: () => graph.scale(error, 2 / units),
    }
  },
}
