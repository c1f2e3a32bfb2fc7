import { findDataset } from '../datasets/repository.ts'
import type { Database } from '../db/client.ts'
import { AppError } from '../errors.ts'
import { getJobRow } from './repository.ts'
import { requeueEnded } from './state-repository.ts'

/**
 * Queues a failed or cancelled job again under the same id.
 * @throws {AppError} JOB_NOT_FOUND, JOB_NOT_RETRYABLE, DATASET_NOT_FOUND when its dataset is gone
 */
export async function retryJob(db: Database, id: string, fromScratch: boolean): Promise<void> {
  const job = await getJobRow(db, id)
  if (!(await findDataset(db, job.datasetId))) {
    throw new AppError('DATASET_NOT_FOUND', `the dataset ${job.datasetId} of the job was deleted`)
  }
  if (!(await requeueEnded(db, id, fromScratch))) {
    const { status } = await getJobRow(db, id)
    throw new AppError('JOB_NOT_RETRYABLE', `the job must be failed or cancelled; it is ${status}`)
  }
}
