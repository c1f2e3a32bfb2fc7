import { setTimeout as delay } from 'node:timers/promises'
import type { Db } from '../../db/client.ts'
import type { Logger } from '../../logger.ts'
import { BUCKETS, bucketOf } from './histogram.ts'
import { addTraffic, type TrafficCounts, type TrafficKey } from './repository.ts'

/** Something that happened, to be counted. */
export interface TrafficEvent extends Partial<Omit<TrafficCounts, 'latencySeconds' | 'latencies'>> {
  /** How long a request took. */
  latencyMs?: number
}

/** Counts what aliases do. */
export interface TrafficRecorder {
  record(key: TrafficKey, event: TrafficEvent): void
  /** Writes what was counted and not written yet. Nothing may be recorded afterwards. */
  close(): Promise<void>
}

const FLUSH_MS = 1_000

/** How often the last counts are tried to be written. */
const LAST_TRIES = 5

/**
 * Counts in memory, and adds the counts to those of the other processes every second. While Postgres is away they
 * wait. A process that is killed loses those of its last second; one that is told to end loses none.
 */
export function startTrafficRecorder({ db, logger }: { db: Db; logger: Logger }): TrafficRecorder {
  let counted = new Map<string, TrafficKey & TrafficCounts>()
  const closing = new AbortController()

  const add = (row: TrafficKey & TrafficCounts) => {
    const { modelName, alias, moveId, version, role } = row
    const id = JSON.stringify([modelName, alias, moveId, version, role])
    const sum = counted.get(id)
    if (sum) addTo(sum, row)
    else counted.set(id, row)
  }
  const flush = async (): Promise<boolean> => {
    if (counted.size === 0) return true
    const rows = [...counted.values()]
    counted = new Map()
    try {
      await addTraffic(db, rows)
      return true
    } catch (error) {
      for (const row of rows) add(row)
      logger.debug({ err: error }, 'traffic could not be written; trying again')
      return false
    }
  }
  const running = (async () => {
    while (!closing.signal.aborted) {
      await delay(FLUSH_MS, undefined, { signal: closing.signal }).catch(() => {})
      await flush()
    }
  })()
  return {
    record: (key, event) => add({ ...key, ...toCounts(event) }),
    async close() {
      closing.abort()
      await running
      for (let tries = 1; !(await flush()); tries++) {
        if (tries === LAST_TRIES) return logger.warn({ rows: counted.size }, 'traffic is not written')
        await delay(FLUSH_MS)
      }
    },
  }
}

function toCounts({ latencyMs, ...event }: TrafficEvent): TrafficCounts {
  const latencies = new Array<number>(BUCKETS).fill(0)
  if (latencyMs !== undefined) latencies[bucketOf(latencyMs)] = 1
  return {
    requests: 0,
    predictions: 0,
    failures: 0,
    compared: 0,
    agreed: 0,
    dropped: 0,
    ...event,
    latencySeconds: (latencyMs ?? 0) / 1_000,
    latencies,
  }
}

function addTo(sum: TrafficCounts, more: TrafficCounts): void {
  sum.requests += more.requests
  sum.predictions += more.predictions
  sum.failures += more.failures
  sum.compared += more.compared
  sum.agreed += more.agreed
  sum.dropped += more.dropped
  sum.latencySeconds += more.latencySeconds
  more.latencies.forEach((count, bucket) => {
    if (count > 0) sum.latencies[bucket] = (sum.latencies[bucket] ?? 0) + count
  })
}
