import type { Database } from '../db/client.ts'
import type { Listener } from '../db/listen.ts'
import { watchJob } from './changes.ts'
import { isTerminal } from './lifecycle.ts'
import { getJobRow, type JobRow } from './repository.ts'

/** How long a notification may be missing before the row is looked at anyway. */
const LOOK_MS = 5_000

/**
 * Waits until the status, phase or epoch of a job changes, or the time is over; an ended job is not waited for.
 * @param sinceEvent - do not wait when there is an event after this one; null: wait for a change from now on
 * @throws {AppError} JOB_NOT_FOUND
 */
export async function waitForChange(
  deps: { db: Database; listener: Listener },
  jobId: string,
  options: { waitSeconds: number; sinceEvent: number | null; signal: AbortSignal },
): Promise<void> {
  const deadline = performance.now() + options.waitSeconds * 1_000
  const changes = watchJob(deps.listener, jobId)
  try {
    const first = await getJobRow(deps.db, jobId)
    let row = first
    while (!isTerminal(row.status) && place(row) === place(first)) {
      if (options.sinceEvent !== null && row.eventSeq > options.sinceEvent) return
      const leftMs = deadline - performance.now()
      if (leftMs <= 0 || options.signal.aborted) return
      await changes.next(Math.min(leftMs, LOOK_MS), options.signal)
      row = await getJobRow(deps.db, jobId)
    }
  } finally {
    changes.close()
  }
}

function place({ status, phase, epoch }: JobRow): string {
  return `${status}/${phase}/${epoch}`
}
