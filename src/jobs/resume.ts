import type { Database } from '../db/client.ts'
import { AppError } from '../errors.ts'
import { getJobRow } from './repository.ts'
import { requeuePaused } from './state-repository.ts'

/**
 * Queues a paused job again; it goes on from its last checkpoint.
 * @throws {AppError} JOB_NOT_FOUND, JOB_NOT_RESUMABLE
 */
export async function resumeJob(db: Database, id: string): Promise<void> {
  if (await requeuePaused(db, id)) return
  const { status, pauseRequestedAt } = await getJobRow(db, id)
  const soon = pauseRequestedAt ? ', until the pause that was asked for takes effect' : ''
  throw new AppError('JOB_NOT_RESUMABLE', `the job must be paused; it is ${status}${soon}`)
}
