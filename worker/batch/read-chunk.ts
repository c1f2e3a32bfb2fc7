import type { BatchInput } from '../../src/batch-predictions/batch-input.ts'
import type { Task } from '../../src/datasets/columns.ts'
import { FEATURE_BYTES } from '../../src/datasets/content.ts'
import type { Targets } from '../../src/mlp/task.ts'
import type { RawFeatures } from '../../src/preprocessing/encoder.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'

/** Rows from `from` to before `to`. */
export interface RowRange {
  from: number
  to: number
}

/** The features of some rows, as the model takes them. */
export async function readChunk(
  blobs: BlobStore,
  { dtype, width, features, columns }: BatchInput,
  { from, to }: RowRange,
): Promise<RawFeatures> {
  const rowBytes = width * FEATURE_BYTES[dtype]
  const raw = toNumbers(dtype, await blobs.readRange(features, from * rowBytes, (to - from) * rowBytes))
  if (columns === null) return raw
  const cells = new Float64Array((to - from) * columns.length).fill(Number.NaN)
  for (const [column, source] of columns.entries()) {
    if (!source) continue
    const { feature, codes } = source
    for (let row = 0; row < to - from; row++) {
      const cell = raw[row * width + feature] ?? Number.NaN
      cells[row * columns.length + column] = codes && !Number.isNaN(cell) ? (codes[cell] ?? Number.NaN) : cell
    }
  }
  return cells
}

/** What some rows really are; null where that is not known of the batch. */
export async function readTruth(
  blobs: BlobStore,
  { labels }: BatchInput,
  task: Task,
  outputs: number,
  { from, to }: RowRange,
): Promise<Targets | null> {
  if (labels === null) return null
  const rowBytes = 4 * (task === 'classification' ? 1 : outputs)
  const bytes = await blobs.readRange(labels.blob, from * rowBytes, (to - from) * rowBytes)
  const own = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
  if (task !== 'classification') return new Float32Array(own)
  const { classes } = labels
  return classes ? new Int32Array(own).map(label => classes[label] ?? -1) : new Int32Array(own)
}

function toNumbers(dtype: BatchInput['dtype'], bytes: Buffer): RawFeatures {
  if (dtype === 'uint8') return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  const own = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) // aligned
  return dtype === 'float32' ? new Float32Array(own) : new Float64Array(own)
}
