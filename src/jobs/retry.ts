import type { Database } from '../db/client.ts'
import { AppError } from '../errors.ts'
import { mayHappen } from './lifecycle.ts'
import { getJobRow } from './repository.ts'
import { requeueEnded } from './state-repository.ts'

/**
 * Queues a failed or cancelled job again under the same id, from its last checkpoint or from the start.
 * @throws {AppError} JOB_NOT_FOUND, JOB_NOT_RETRYABLE, DATASET_NOT_FOUND and MODEL_VERSION_NOT_FOUND when its dataset
 *   or base model is gone
 */
export async function retryJob(db: Database, id: string, fromScratch: boolean): Promise<void> {
  const { datasetId, status } = await getJobRow(db, id)
  const outcome = mayHappen('retry', status) ? await requeueEnded(db, id, fromScratch) : 'refused'
  switch (outcome) {
    case 'queued':
      return
    case 'dataset-deleted':
      throw new AppError('DATASET_NOT_FOUND', `the dataset ${datasetId} of the job was deleted`)
    case 'base-deleted':
      throw new AppError('MODEL_VERSION_NOT_FOUND', 'the version that the job begins with was deleted')
    case 'refused': {
      const now = await getJobRow(db, id)
      throw new AppError('JOB_NOT_RETRYABLE', `the job must be failed or cancelled; it is ${now.status}`)
    }
  }
}
