import type { Database } from '../db/client.ts'
import { AppError } from '../errors.ts'
import { hasEnded } from './lifecycle.ts'
import { getBatchRow, requestBatchCancel } from './repository.ts'

/**
 * Ends a queued batch prediction at once, and asks the worker of a running one to end it.
 * @throws {AppError} BATCH_NOT_FOUND, BATCH_FINISHED, CANCEL_ALREADY_REQUESTED
 */
export async function cancelBatchPrediction(db: Database, id: string): Promise<void> {
  // It may be claimed or handed back between the two halves of a request; then the second look settles it.
  for (let look = 0; look < 3; look++) {
    if ((await requestBatchCancel(db, id)) !== 'refused') return
    const { status, cancelRequestedAt } = await getBatchRow(db, id)
    if (hasEnded(status)) throw new AppError('BATCH_FINISHED', `the batch prediction is ${status} already`)
    if (cancelRequestedAt) {
      const at = cancelRequestedAt.toISOString()
      throw new AppError('CANCEL_ALREADY_REQUESTED', `a cancel was asked for at ${at}`)
    }
  }
  throw new AppError(
    'BATCH_NOT_FINISHED',
    'the batch prediction changed hands three times in a row; try again',
  )
}
