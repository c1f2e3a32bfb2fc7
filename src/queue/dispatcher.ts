import type { Database } from '../db/client.ts'
import type { Listener } from '../db/listen.ts'
import { endExpiredAttempts } from '../jobs/end-expired-attempts.ts'
import type { Logger } from '../logger.ts'
import { relayWaitingJobs } from './relay.ts'
import type { TrainingQueue } from './training-queue.ts'

/** Hands out work in the background until it is closed. */
export interface Dispatcher {
  close(): Promise<void>
}

/** How often it looks without being told. */
const LOOK_MS = 1_000

/**
 * Runs in every process, so that any one of them is enough: takes jobs back from lost workers, and relays the
 * waiting line to the queue. At each notification, and every second.
 */
export function startDispatcher(deps: {
  db: Database
  queue: TrainingQueue
  listener: Listener
  logger: Logger
}): Dispatcher {
  let isClosed = false
  let again = true
  let wake = () => {}
  const nudge = () => {
    again = true
    wake()
  }
  const stopListening = deps.listener.on('trainyard_work', nudge)

  const work = async () => {
    while (!isClosed) {
      again = false
      try {
        await endExpiredAttempts(deps.db)
        await relayWaitingJobs(deps.db, deps.queue)
      } catch (error) {
        deps.logger.warn({ err: error }, 'work could not be handed out; trying again')
      }
      if (!again && !isClosed) await sleep()
    }
  }
  const sleep = () =>
    new Promise<void>(resolve => {
      const timer = setTimeout(resolve, LOOK_MS)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  const working = work()
  return {
    async close() {
      isClosed = true
      stopListening()
      wake()
      await working
    },
  }
}
