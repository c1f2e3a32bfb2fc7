import type { Database } from '../db/client.ts'
import { AppError } from '../errors.ts'
import { isTerminal } from './lifecycle.ts'
import { getJobRow } from './repository.ts'
import { requestCancel } from './state-repository.ts'

/**
 * Ends a queued or paused job at once, and asks the worker of a running one to end it.
 * @throws {AppError} JOB_NOT_FOUND, JOB_FINISHED, CANCEL_ALREADY_REQUESTED
 */
export async function cancelJob(db: Database, id: string): Promise<void> {
  // A job may be claimed or handed back between the two halves of a request; then the second look settles it.
  for (let look = 0; look < 3; look++) {
    const outcome = await requestCancel(db, id)
    if (outcome !== 'refused') return
    const job = await getJobRow(db, id)
    if (isTerminal(job.status)) throw new AppError('JOB_FINISHED', `the job is ${job.status} already`)
    if (job.cancelRequestedAt) {
      const at = job.cancelRequestedAt.toISOString()
      throw new AppError('CANCEL_ALREADY_REQUESTED', `a cancel was asked for at ${at}`)
    }
  }
  throw new AppError('JOB_NOT_FINISHED', 'the job changed hands three times in a row; try again')
}
