import { createHash } from 'node:crypto'
import { encodeOutcomes } from '../../src/models/outcomes.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { TrainerJob } from './messages.ts'
import { HELD_OUT, type Selection } from './selection.ts'

/**
 * Stores what each example of the final evaluation was taken for.
 * @param actual - classes by number, by position in the selection
 * @param predicted - classes by number, by position in the selection
 * @returns the hash of the blob
 */
export async function recordOutcomes(
  blobs: BlobStore,
  { dataset }: Pick<TrainerJob, 'dataset'>,
  selection: Selection,
  actual: Int32Array,
  predicted: Int32Array,
): Promise<string> {
  const split = selection.split === HELD_OUT ? 'train' : selection.split
  const stored = Object.entries(dataset.splits).find(([name]) => name === split)?.[1]
  if (!stored) throw new Error(`the dataset must have the split ${split}`)
  const rows = selection.count === stored.examples ? null : selection.rows // null: all of them
  const blob = await blobs.put(
    encodeOutcomes({
      dataset: { id: dataset.id, sha256: dataset.sha256 },
      split,
      examplesSha256: hashExamples(dataset, stored, rows),
      classes: dataset.classes,
      rows,
      actual,
      predicted,
    }),
  )
  return blob.sha256
}

/** The same hash for the same examples and classes, whatever else the dataset holds. */
function hashExamples(
  { shape, dtype, classes }: TrainerJob['dataset'],
  { features, labels }: { features: string; labels: string },
  rows: Int32Array | null,
): string {
  const hash = createHash('sha256').update(JSON.stringify([shape, dtype, classes, features, labels]))
  if (rows) hash.update(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength))
  return hash.digest('hex')
}
