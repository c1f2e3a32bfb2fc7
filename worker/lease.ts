import { HEARTBEAT_SECONDS } from '../src/db/lease.ts'
import type { Listener } from '../src/db/listen.ts'
import type { Fenced, Wishes } from '../src/jobs/attempt-repository.ts'
import type { Logger } from '../src/logger.ts'

/** What a lease is held on. */
export interface Held {
  /** Of the job, or of the batch prediction. */
  id: string
  renew(): Promise<Fenced | ({ fenced: false } & Wishes)>
}

/** What a worker hears from its job while it holds it. */
export interface LeaseHandlers {
  /** The job is somebody else's now; nothing more may be written. */
  onFenced(): void
  /** The job shall be cancelled. Called once. */
  onCancelRequested(): void
  /** The job shall be paused. Called once. */
  onPauseRequested(): void
}

/** How often a worker says that it is alive. */
export const HEARTBEAT_MS = HEARTBEAT_SECONDS * 1_000

/** While the database is away: its return must be noticed well within the grace that others then give. */
const RETRY_MS = 500

/** A job's own changes notify too; more often than this they are not looked at. */
const NUDGE_MS = 400

/**
 * Keeps a lease: renews it every two seconds, and at once when the job changed, which is how a cancel or a
 * pause arrives. While the database is away the trainer goes on: nobody else can take the job then either.
 */
export function keepLease(
  deps: { listener: Listener; logger: Logger },
  held: Held,
  handlers: LeaseHandlers,
): { close(): Promise<void> } {
  let isClosed = false
  let isCancelRequested = false
  let isPauseRequested = false
  let timer: NodeJS.Timeout
  let renewing: Promise<void> = Promise.resolve()

  const renew = async () => {
    let nextMs = HEARTBEAT_MS
    try {
      const lease = await held.renew()
      if (isClosed) return
      if (lease.fenced) handlers.onFenced()
      else if (lease.cancelRequested && !isCancelRequested) {
        isCancelRequested = true
        handlers.onCancelRequested()
      } else if (lease.pauseRequested && !isPauseRequested) {
        isPauseRequested = true
        handlers.onPauseRequested()
      }
    } catch (error) {
      deps.logger.warn({ err: error }, 'the lease could not be renewed; trying again')
      nextMs = RETRY_MS
    }
    if (!isClosed) schedule(nextMs)
  }
  const schedule = (afterMs: number) => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      renewing = renew()
    }, afterMs)
  }
  const stopListening = deps.listener.on('trainyard_job', jobId => {
    if (!isClosed && !isNudged && jobId === held.id) nudge()
  })
  let isNudged = false
  const nudge = () => {
    isNudged = true
    setTimeout(() => {
      isNudged = false
      if (!isClosed) schedule(0)
    }, NUDGE_MS).unref()
  }
  schedule(HEARTBEAT_MS)

  return {
    async close() {
      isClosed = true
      stopListening()
      clearTimeout(timer)
      await renewing
    },
  }
}
