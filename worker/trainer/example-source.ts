import { createHash } from 'node:crypto'
import {
  type DatasetContent,
  FEATURE_BYTES,
  featureCount,
  type StoredSplit,
} from '../../src/datasets/content.ts'
import { BlobDamagedError, type BlobStore } from '../../src/storage/blob-store.ts'
import type { Examples, Session } from '../engines/engine.ts'
import type { Block } from './selection.ts'

/** The examples of one split, on their way into the session. */
export interface ExampleSource {
  /** Makes the examples of a block the ones that the session holds. */
  use(block: Block): Promise<void>
  /** Begins to read the block that is used next, while others are trained on. */
  readAhead(block: Block): void
}

/** Loads the whole split, checked against its hash. */
export async function loadWhole(
  blobs: BlobStore,
  session: Session,
  dataset: DatasetContent,
  split: string,
  { features }: StoredSplit,
  labels: Int32Array,
): Promise<ExampleSource> {
  session.load(split, { features: toFeatures(dataset, await blobs.read(features)), labels })
  return { use: async () => {}, readAhead: () => {} }
}

/** Checks the split against its hash, then reads it block by block: it may be larger than memory. */
export async function streamBlocks(
  blobs: BlobStore,
  session: Session,
  dataset: DatasetContent,
  split: string,
  { features }: StoredSplit,
  labels: Int32Array,
): Promise<ExampleSource> {
  await verify(blobs, features)
  const rowBytes = featureCount(dataset.shape) * FEATURE_BYTES[dataset.dtype]
  let held: Block['rows'] | null = null
  let ahead: { rows: Block['rows']; examples: Promise<Examples> } | null = null

  const read = async ({ from, to }: Block['rows']): Promise<Examples> => {
    const bytes = await blobs.readRange(features, from * rowBytes, (to - from) * rowBytes)
    return { features: toFeatures(dataset, bytes), labels: labels.subarray(from, to) }
  }
  const isSame = (a: Block['rows'] | undefined | null, b: Block['rows']) =>
    a?.from === b.from && a.to === b.to
  return {
    async use({ rows }) {
      if (isSame(held, rows)) return
      const reading = ahead !== null && isSame(ahead.rows, rows) ? ahead.examples : read(rows)
      ahead = null
      held = null
      session.load(split, await reading)
      held = rows
    },
    readAhead({ rows }) {
      if (isSame(held, rows) || isSame(ahead?.rows, rows)) return
      const examples = read(rows)
      examples.catch(() => {}) // whoever uses the block hears of it
      ahead = { rows, examples }
    },
  }
}

async function verify(blobs: BlobStore, sha256: string): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of blobs.stream(sha256)) hash.update(chunk)
  if (hash.digest('hex') !== sha256) throw new BlobDamagedError(sha256)
}

function toFeatures({ dtype }: DatasetContent, bytes: Buffer): Uint8Array | Float32Array {
  return dtype === 'uint8'
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    : new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}
