import { Type } from 'typebox'
import { unitsOf } from '../graph.ts'
import { TASKS } from '../task.ts'
import type { Loss } from './loss.ts'

const Schema = Type.Object(
  {
    type: Type.Literal('huber'),
    delta: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1e6,
        description: 'Errors beyond it count linearly. Default: 1.',
      }),
    ),
  },
  { additionalProperties: false, title: 'Huber loss' },
)

/** Huber's loss with its defaults filled in. */
export type Huber = Required<Type.Static<typeof Schema>>

/**
 * L = mean over units of e² / 2 where |e| ≤ δ, else δ |e| − δ² / 2, for e = ŷ − y; written c (|e| − c / 2) with
 * c = min(|e|, δ). Back: ∂L/∂ŷ = sign(e) c / units.
 * @see Huber (1964), "Robust estimation of a location parameter"; keras/src/losses/losses.py, huber
 */
export const huber: Loss<typeof Schema, Huber> = {
  schema: Schema,
  resolve: ({ delta }) => ({ type: 'huber', delta: delta ?? 1 }),
  onLogits: null,
  tasks: TASKS,
  allowsOneUnit: true,
  write(graph, { delta }, { predictions, labels }) {
    const units = unitsOf(predictions)
    const error = graph.subtract(predictions, graph.targets(labels, units))
    const size = graph.unary('abs', error)
    const capped = graph.binary('minimum', size, graph.constant(delta))
    return {
      losses: graph.meanLoss(graph.multiply(capped, graph.subtract(size, graph.scale(capped, 1 / 2)))),
      gradient: () => graph.scale(graph.multiply(graph.unary('sign', error), capped), 1 / units),
    }
  },
}
