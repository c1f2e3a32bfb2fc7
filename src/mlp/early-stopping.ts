import { Type } from 'typebox'
import { isBetter, type Monitor, MonitorProperties, resolveMonitor } from './monitor.ts'

/** Ending a training when a metric no longer improves, in a request. */
export const EarlyStoppingSchema = Type.Object(
  {
    ...MonitorProperties,
    patience: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
    startFromEpoch: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
    restoreBest: Type.Optional(
      Type.Boolean({
        description: 'Whether the model is the best epoch’s rather than the last. Default: false.',
      }),
    ),
  },
  {
    additionalProperties: false,
    description: 'Training ends when the metric has not improved for `patience` epochs.',
  },
)

/** Ending a training early, with its defaults filled in. */
export interface EarlyStopping extends Monitor {
  patience: number
  startFromEpoch: number
  restoreBest: boolean
}

/** @see keras/src/callbacks/early_stopping.py for the defaults */
export function resolveEarlyStopping(
  request: Type.Static<typeof EarlyStoppingSchema>,
  hasValidation: boolean,
): EarlyStopping {
  return {
    ...resolveMonitor(request, hasValidation),
    patience: request.patience ?? 0,
    startFromEpoch: request.startFromEpoch ?? 0,
    restoreBest: request.restoreBest ?? false,
  }
}

/** What is remembered from epoch to epoch. */
export interface StoppingState {
  best: number | null
  /** Epochs since the best. */
  wait: number
  /** Whether the training shall end. */
  isOver: boolean
}

/** Before the first epoch. */
export const STOPPING_START: StoppingState = { best: null, wait: 0, isOver: false }

/**
 * Judges an epoch. The first, which may have no metric, never ends a training.
 * @param epoch - counted from 1
 * @returns the next state, and whether the epoch is the best so far
 * @see Prechelt (1998), "Early stopping — but when?"; keras/src/callbacks/early_stopping.py, on_epoch_end
 */
export function judgeEpoch(
  rule: EarlyStopping,
  state: StoppingState,
  epoch: number,
  metric: number,
): { state: StoppingState; isBest: boolean } {
  if (epoch <= rule.startFromEpoch) return { state, isBest: false }
  if (isBetter(rule, metric, state.best)) {
    return { state: { best: metric, wait: 0, isOver: false }, isBest: true }
  }
  const wait = state.wait + 1
  return { state: { ...state, wait, isOver: epoch > 1 && wait >= rule.patience }, isBest: false }
}
