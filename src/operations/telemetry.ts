import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Database } from '../db/client.ts'
import type { ObserveRequest } from '../http/observe-requests.ts'
import type { PredictorMemory } from '../inference/predictor-cache.ts'
import { readQueueState } from '../queue/repository.ts'

/** Counters of the process and of the service, for a monitor to collect. */
export interface Telemetry {
  /** Content type of the text. */
  readonly contentType: string
  observeRequest: ObserveRequest
  /** Everything as text. @see Prometheus, "Exposition formats" */
  render(): Promise<string>
}

/** What is measured. */
export interface TelemetryDeps {
  db: Database
  predictors: PredictorMemory
  queueBackend: 'postgres' | 'redis'
}

/** From the fastest prediction to the longest poll. */
const REQUEST_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]

/** Requests that are counted in one go: one by one, between everything else, each takes ten times as long. */
const COUNTED_TOGETHER = 256

/**
 * Counts from now on. Names follow Prometheus's rules: a prefix, base units, the unit last.
 * @see Prometheus, "Metric and label naming"
 */
export function createTelemetry({ db, predictors, queueBackend }: TelemetryDeps): Telemetry {
  const register = new Registry()
  const registers = [register]
  collectDefaultMetrics({ register })
  const requests = new Histogram({
    name: 'trainyard_http_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: REQUEST_BUCKETS_SECONDS,
    registers,
  })
  const gauge = (name: string, help: string) => new Gauge({ name: `trainyard_${name}`, help, registers })
  const cache = gauge('predictor_cache_bytes', 'Memory of the models that are loaded for predictions.')
  const database = gauge(
    'database_up',
    '1 while Postgres answers; without it the figures below are left out.',
  )
  const fromDatabase = {
    waiting: gauge('queue_waiting_jobs', 'Jobs in the waiting line.'),
    oldestWaitSeconds: gauge('queue_oldest_wait_seconds', 'How long the first of them has waited.'),
    running: gauge('running_jobs', 'Jobs that a worker holds.'),
    slots: gauge('worker_slots', 'Trainers that the live workers may run at once.'),
  }
  let answered: { method: string; route: string; status: number; seconds: number }[] = []
  const countAnswered = () => {
    for (const { seconds, ...labels } of answered) requests.observe(labels, seconds)
    answered = []
  }
  return {
    contentType: register.contentType,
    observeRequest(method, route, status, seconds) {
      answered.push({ method, route: route ?? 'none', status, seconds })
      if (answered.length === COUNTED_TOGETHER) countAnswered()
    },
    async render() {
      countAnswered()
      cache.set(predictors.bytes)
      const state = await readQueueState(db, queueBackend).catch(() => null)
      database.set(state ? 1 : 0)
      for (const name of ['waiting', 'oldestWaitSeconds', 'running', 'slots'] as const) {
        if (state) fromDatabase[name].set(state[name] ?? 0)
        else fromDatabase[name].remove()
      }
      return register.metrics()
    },
  }
}
