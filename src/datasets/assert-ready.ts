import { AppError } from '../errors.ts'
import type { StoredDataset } from './repository.ts'

/** @throws {AppError} DATASET_NOT_READY when the files of a dataset were not read, or cannot be */
export function assertReady({ id, status }: Pick<StoredDataset, 'id' | 'status'>): void {
  if (status === 'ready') return
  throw new AppError('DATASET_NOT_READY', `the dataset ${id} must be ready; it is ${status}`)
}
