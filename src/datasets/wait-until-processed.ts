import { setTimeout as delay } from 'node:timers/promises'
import type { Db } from '../db/client.ts'
import { getDataset, type StoredDataset } from './repository.ts'

const LOOK_MS = 500

/**
 * Reads a dataset, and waits while it is processing: it never is again, so what is ready or failed is answered at
 * once.
 * @param waitSeconds - at most
 * @param signal - ends the waiting
 * @throws {AppError} DATASET_NOT_FOUND
 */
export async function waitUntilProcessed(
  db: Db,
  id: string,
  waitSeconds: number,
  signal: AbortSignal,
): Promise<StoredDataset> {
  const deadlineMs = performance.now() + waitSeconds * 1_000
  for (;;) {
    const dataset = await getDataset(db, id)
    const leftMs = deadlineMs - performance.now()
    if (dataset.status !== 'processing' || leftMs <= 0 || signal.aborted) return dataset
    await delay(Math.min(LOOK_MS, leftMs), undefined, { signal }).catch(() => {})
  }
}
