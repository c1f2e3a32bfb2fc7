import { Type } from 'typebox'
import { directionOf } from './metrics/registry.ts'

/** Fields of a rule that watches a metric, in a request. */
export const MonitorProperties = {
  monitor: Type.Optional(
    Type.String({
      pattern: '^[a-z][A-Za-z0-9]{0,63}$',
      description: 'A metric of the epochs. Default: valLoss; loss without validation.',
    }),
  ),
  minDelta: Type.Optional(
    Type.Number({ minimum: 0, description: 'A smaller change does not count as better.' }),
  ),
}

/** A metric that is watched. */
export interface Monitor {
  /** As in an epoch's row: `valLoss`. */
  monitor: string
  minDelta: number
}

/** Fills in what is watched. */
export function resolveMonitor(
  request: { monitor?: string | undefined; minDelta?: number | undefined },
  hasValidation: boolean,
): Monitor {
  return {
    monitor: request.monitor ?? (hasValidation ? 'valLoss' : 'loss'),
    minDelta: request.minDelta ?? 0,
  }
}

/** Whether a metric is better than the best so far by more than `minDelta`; every number is better than none. */
export function isBetter({ monitor, minDelta }: Monitor, metric: number, best: number | null): boolean {
  if (best === null) return !Number.isNaN(metric)
  return directionOf(monitor) === 'max' ? metric > best + minDelta : metric < best - minDelta
}
