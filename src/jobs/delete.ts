import type { Db } from '../db/client.ts'
import { AppError } from '../errors.ts'
import { deleteEndedJob } from './history-repository.ts'
import { getJobRow } from './repository.ts'

/**
 * Forgets a job that has ended.
 * @throws {AppError} JOB_NOT_FOUND, JOB_NOT_FINISHED
 */
export async function deleteJob(db: Db, id: string): Promise<void> {
  if (await deleteEndedJob(db, id)) return
  const { status } = await getJobRow(db, id)
  throw new AppError('JOB_NOT_FINISHED', `the job must end first; it is ${status}. Cancel it to end it`)
}
