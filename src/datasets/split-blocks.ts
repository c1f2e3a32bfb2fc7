import { BlobDamagedError, type BlobDraft, type BlobStore } from '../storage/blob-store.ts'
import { type DatasetContent, FEATURE_BYTES, featureCount, type StoredSplits } from './content.ts'
import { labelWidth } from './examples.ts'
import type { PreparedSplit } from './prepared.ts'
import { SPLITS, type SplitName } from './schemas.ts'

/** The examples of one split, to be read from the start as often as one likes. */
export interface SplitSource {
  split: SplitName
  examples: number
  readFeatures(offset: number, length: number): Promise<Buffer>
  readLabels(offset: number, length: number): Promise<Buffer>
}

/** Some examples that follow each other. */
export interface SplitBlock {
  /** Index of the first one. */
  first: number
  rows: number
  /** `[rows, features]` in the dataset's dtype; begins at a multiple of 8 bytes. */
  features: Uint8Array
  /** As `StoredSplit.labels`; begins at a multiple of 8 bytes. */
  labels: Uint8Array
}

/** Large enough that a request for each costs little, small enough that others get their turn between two. */
const BLOCK_BYTES = 1024 ** 2

/** The splits of a dataset that is stored, in their order. */
export function storedSources(blobs: Pick<BlobStore, 'readRange'>, splits: StoredSplits): SplitSource[] {
  return sourcesOf(splits, async (blob, offset, length) => {
    const bytes = await blobs.readRange(blob, offset, length)
    if (bytes.length < length) throw new BlobDamagedError(blob)
    return bytes
  })
}

/** The splits of a dataset that is not yet stored, in their order. */
export function preparedSources(splits: Partial<Record<SplitName, PreparedSplit>>): SplitSource[] {
  return sourcesOf<BlobDraft>(splits, (draft, offset, length) => draft.readRange(offset, length))
}

function sourcesOf<Bytes>(
  splits: Partial<Record<SplitName, { examples: number; features: Bytes; labels: Bytes }>>,
  read: (bytes: Bytes, offset: number, length: number) => Promise<Buffer>,
): SplitSource[] {
  return SPLITS.flatMap(split => {
    const stored = splits[split]
    if (!stored) return []
    const { examples, features, labels } = stored
    return {
      split,
      examples,
      readFeatures: (offset, length) => read(features, offset, length),
      readLabels: (offset, length) => read(labels, offset, length),
    }
  })
}

/** Reads a split block by block; while one is looked at, the next is read. */
export async function* readBlocks(
  meaning: Pick<DatasetContent, 'shape' | 'dtype' | 'task' | 'classes' | 'targets'>,
  source: SplitSource,
): AsyncGenerator<SplitBlock> {
  const rowBytes = featureCount(meaning.shape) * FEATURE_BYTES[meaning.dtype]
  const labelBytes = 4 * labelWidth(meaning)
  const blockRows = Math.max(1, Math.floor(BLOCK_BYTES / (rowBytes + labelBytes)))
  const read = async (first: number): Promise<SplitBlock> => {
    const rows = Math.min(blockRows, source.examples - first)
    const [features, labels] = await Promise.all([
      rowBytes > 0 ? source.readFeatures(first * rowBytes, rows * rowBytes) : Buffer.alloc(0),
      source.readLabels(first * labelBytes, rows * labelBytes),
    ])
    return { first, rows, features: align(features), labels: align(labels) }
  }
  let next = read(0)
  for (let first = 0; first < source.examples; first += blockRows) {
    const block = await next
    if (first + blockRows < source.examples) {
      next = read(first + blockRows)
      next.catch(() => {}) // it is told in the next turn, if there is one
    }
    yield block
  }
}

/** Arrays of larger numbers must begin at a multiple of their size. */
function align(bytes: Buffer): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes)
}
