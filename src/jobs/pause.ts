import type { Database } from '../db/client.ts'
import { AppError } from '../errors.ts'
import { mayHappen } from './lifecycle.ts'
import { getJobRow } from './repository.ts'
import { requestPause } from './state-repository.ts'

/**
 * Takes a queued job out of the waiting line, and asks the worker of a running one to stop after a checkpoint.
 * @throws {AppError} JOB_NOT_FOUND, JOB_NOT_PAUSABLE, PAUSE_ALREADY_REQUESTED, CANCEL_ALREADY_REQUESTED
 */
export async function pauseJob(db: Database, id: string): Promise<void> {
  // A job may be claimed or handed back between the two halves of a request; then the second look settles it.
  for (let look = 0; look < 3; look++) {
    const outcome = await requestPause(db, id)
    if (outcome !== 'refused') return
    const { status, cancelRequestedAt, pauseRequestedAt } = await getJobRow(db, id)
    if (!mayHappen('pause', status)) {
      throw new AppError('JOB_NOT_PAUSABLE', `the job must be queued or running; it is ${status}`)
    }
    if (cancelRequestedAt) {
      const at = cancelRequestedAt.toISOString()
      throw new AppError('CANCEL_ALREADY_REQUESTED', `a cancel was asked for at ${at}; it wins over a pause`)
    }
    if (pauseRequestedAt) {
      const at = pauseRequestedAt.toISOString()
      throw new AppError('PAUSE_ALREADY_REQUESTED', `a pause was asked for at ${at}`)
    }
  }
  throw new AppError('JOB_NOT_PAUSABLE', 'the job changed hands three times in a row; try again')
}
