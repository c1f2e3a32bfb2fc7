import { setTimeout as delay } from 'node:timers/promises'
import { endExpiredBatches } from '../batch-predictions/end-expired-batches.ts'
import type { Database } from '../db/client.ts'
import type { Listener } from '../db/listen.ts'
import { endExpiredAttempts } from '../jobs/end-expired-attempts.ts'
import type { Logger } from '../logger.ts'
import { relayWaitingJobs } from './relay.ts'
import { findNextDueMs } from './repository.ts'
import type { TrainingQueue } from './training-queue.ts'

/** Hands out work in the background until it is closed. */
export interface Dispatcher {
  close(): Promise<void>
}

/** How often it looks without being told. */
const LOOK_MS = 1_000

/** Between two looks after notifications: many that come together are one. */
const REST_MS = 50

/** A look at the database that took longer was held up: so were the workers, who must get their chance first. */
const SLOW_LOOK_MS = 1_500

/** Two heartbeats: whoever is alive has renewed its leases by then. */
const RECOVERY_MS = 4_000

/**
 * Runs in every process, so that any one of them is enough: takes jobs back from lost workers each second, and
 * relays the waiting line to the queue at each notification, each second, and when a job's wait after a crash is
 * over. Neither waits for the other: a queue that does not answer holds up no takeover.
 */
export function startDispatcher(deps: {
  db: Database
  queue: TrainingQueue
  listener: Listener
  logger: Logger
}): Dispatcher {
  const sweep = repeat(createSweep(deps))
  const relay = repeat(() => relayOnce(deps))
  const stopListening = deps.listener.on('trainyard_work', relay.nudge)
  return {
    async close() {
      stopListening()
      await Promise.all([sweep.close(), relay.close()])
    },
  }
}

/** Takes jobs back from lost workers, but not right after the database was away or stood still. */
function createSweep({ db, logger }: { db: Database; logger: Logger }): () => Promise<number> {
  let restsUntilMs = 0
  return async () => {
    const startedMs = performance.now()
    if (startedMs < restsUntilMs) return LOOK_MS
    const rest = () => {
      restsUntilMs = performance.now() + RECOVERY_MS
    }
    try {
      await db.$queryRaw`SELECT 1`
      if (performance.now() - startedMs > SLOW_LOOK_MS) rest()
      else {
        await endExpiredAttempts(db)
        await endExpiredBatches(db)
      }
    } catch (error) {
      logger.warn({ err: error }, 'lost workers could not be looked for; trying again')
      rest()
    }
    return LOOK_MS
  }
}

async function relayOnce({ db, queue, logger }: Parameters<typeof startDispatcher>[0]): Promise<number> {
  try {
    const askedMs = performance.now()
    const dueMs = await findNextDueMs(db) // before the relay looks: a job that gets due in between is seen by one of them
    await relayWaitingJobs(db, queue)
    return dueMs === null ? LOOK_MS : Math.min(LOOK_MS, dueMs - (performance.now() - askedMs))
  } catch (error) {
    logger.warn({ err: error }, 'work could not be handed out; trying again')
    return LOOK_MS
  }
}

/** Calls `work` again and again: after as many milliseconds as it gave back, or soon after a nudge. */
function repeat(work: () => Promise<number>): { nudge(): void; close(): Promise<void> } {
  let isClosed = false
  let isNudged = false
  let wake = () => {}
  const sleep = (ms: number) =>
    new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const run = async () => {
    while (!isClosed) {
      isNudged = false
      const restMs = await work()
      if (isClosed) return
      if (isNudged) await delay(REST_MS)
      else await sleep(Math.max(restMs, 1))
    }
  }
  const running = run()
  return {
    nudge() {
      isNudged = true
      wake()
    },
    async close() {
      isClosed = true
      wake()
      await running
    },
  }
}
