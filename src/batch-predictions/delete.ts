import type { Db } from '../db/client.ts'
import { AppError } from '../errors.ts'
import { deleteEndedBatch, getBatchRow } from './repository.ts'

/**
 * Forgets a batch prediction that has ended; its output goes with it.
 * @throws {AppError} BATCH_NOT_FOUND, BATCH_NOT_FINISHED
 */
export async function deleteBatchPrediction(db: Db, id: string): Promise<void> {
  if (await deleteEndedBatch(db, id)) return
  const { status } = await getBatchRow(db, id)
  throw new AppError(
    'BATCH_NOT_FINISHED',
    `the batch prediction must end first; it is ${status}. Cancel it to end it`,
  )
}
