import { Type } from 'typebox'
import { isBetter, type Monitor, MonitorProperties, resolveMonitor } from '../monitor.ts'

/** Lowering the learning rate when a metric stands still, in a request. */
export const ReduceOnPlateauSchema = Type.Object(
  {
    ...MonitorProperties,
    factor: Type.Optional(Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 })),
    patience: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
    cooldown: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
    minLearningRate: Type.Optional(Type.Number({ minimum: 0 })),
  },
  {
    additionalProperties: false,
    description:
      'The learning rate is multiplied by `factor` when the metric has not improved for `patience` epochs.',
  },
)

/** Lowering the learning rate, with its defaults filled in. */
export interface ReduceOnPlateau extends Monitor {
  factor: number
  patience: number
  cooldown: number
  minLearningRate: number
}

/** @see keras/src/callbacks/reduce_lr_on_plateau.py for the defaults */
export function resolveReduceOnPlateau(
  request: Type.Static<typeof ReduceOnPlateauSchema>,
  hasValidation: boolean,
): ReduceOnPlateau {
  return {
    ...resolveMonitor({ minDelta: 1e-4, ...request }, hasValidation),
    factor: request.factor ?? 0.1,
    patience: request.patience ?? 10,
    cooldown: request.cooldown ?? 0,
    minLearningRate: request.minLearningRate ?? 0,
  }
}

/** What is remembered from epoch to epoch. */
export interface PlateauState {
  /** What the scheduled learning rate is multiplied by. */
  factor: number
  best: number | null
  /** Epochs since the best. */
  wait: number
  /** Epochs for which nothing is counted. */
  cooldown: number
}

/** Before the first epoch. */
export const PLATEAU_START: PlateauState = { factor: 1, best: null, wait: 0, cooldown: 0 }

/**
 * The state after an epoch.
 * @param metric - of the epoch
 * @param learningRate - the scheduled one, to which the state's factor applies
 * @see keras/src/callbacks/reduce_lr_on_plateau.py, on_epoch_end
 */
export function afterEpoch(
  rule: ReduceOnPlateau,
  state: PlateauState,
  metric: number,
  learningRate: number,
): PlateauState {
  const isCooling = state.cooldown > 0
  const cooldown = Math.max(0, state.cooldown - 1)
  if (isBetter(rule, metric, state.best)) return { ...state, best: metric, wait: 0, cooldown }
  if (isCooling && cooldown > 0) return { ...state, wait: 0, cooldown }
  const wait = (isCooling ? 0 : state.wait) + 1
  if (wait < rule.patience || learningRate * state.factor <= rule.minLearningRate) {
    return { ...state, wait, cooldown }
  }
  const floor = rule.minLearningRate / learningRate
  return { ...state, factor: Math.max(state.factor * rule.factor, floor), wait: 0, cooldown: rule.cooldown }
}
