import type { Database } from '../db/client.ts'
import type { Listener } from '../db/listen.ts'
import { watchJob } from '../jobs/changes.ts'
import { isTerminal } from '../jobs/lifecycle.ts'
import { getJobRow, type JobRow, listEvents } from '../jobs/repository.ts'

/** A message of a server-sent event stream; stored events have an id, live ones none. */
export interface StreamMessage {
  id?: string
  event: string
  data: unknown
}

/** How long a notification may be missing before the rows are read anyway. */
const LOOK_MS = 5_000
const PAGE = 500

/**
 * The events of a job: those after `after` from the database, then the new ones as they are written, until the job
 * has ended. Between them live `job.progress`, which is not stored. Ids are the sequence in the database, so a
 * reader that comes back with its last id misses nothing.
 */
export async function* streamEvents(
  deps: { db: Database; listener: Listener },
  jobId: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<StreamMessage> {
  const changes = watchJob(deps.listener, jobId)
  try {
    let last = after
    let lastStep = -1
    while (!signal.aborted) {
      const job = await getJobRow(deps.db, jobId) // before the events: its sequence says how far they must reach
      for (;;) {
        const events = await listEvents(deps.db, jobId, last, PAGE)
        for (const event of events) {
          last = event.id
          yield { id: String(event.id), event: event.type, data: event }
        }
        if (events.length < PAGE) break
      }
      if (isTerminal(job.status) && last >= job.eventSeq) return
      if (job.status === 'running' && job.step !== lastStep) {
        lastStep = job.step
        yield { event: 'job.progress', data: toProgress(job) }
      }
      await changes.next(LOOK_MS, signal)
    }
  } finally {
    changes.close()
  }
}

function toProgress(job: JobRow) {
  const { phase, epoch, epochs, step, steps, examplesPerSecond, etaSeconds } = job
  return {
    type: 'job.progress',
    at: new Date().toISOString(),
    data: { phase, epoch, epochs, step, steps, examplesPerSecond, etaSeconds },
  }
}
