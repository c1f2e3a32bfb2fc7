import type { CheckpointRecord } from '../../src/jobs/attempt-repository.ts'
import { BlobDamagedError, type BlobStore } from '../../src/storage/blob-store.ts'
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts'

/**
 * Stores a checkpoint.
 * @param before - epochs and steps of the fits before, which count in the job's
 */
export async function saveCheckpoint(
  blobs: BlobStore,
  checkpoint: Checkpoint,
  before: { epochs: number; steps: number },
): Promise<CheckpointRecord> {
  const blob = await blobs.put(encodeCheckpoint(checkpoint))
  const { step, epoch } = checkpoint.place
  return { ...blob, step: before.steps + step, epoch: before.epochs + epoch }
}

/** The first checkpoint that is whole; null: there is none, and the training begins anew. */
export async function findCheckpoint(
  blobs: BlobStore,
  checkpoints: readonly CheckpointRecord[],
): Promise<Checkpoint | null> {
  for (const { sha256 } of checkpoints) {
    try {
      return decodeCheckpoint(await blobs.read(sha256))
    } catch (error) {
      if (!(error instanceof BlobDamagedError)) throw error // missing or damaged: an earlier one must do
    }
  }
  return null
}
