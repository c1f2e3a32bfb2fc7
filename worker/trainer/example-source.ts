import type { DatasetContent, StoredSplit } from '../../src/datasets/content.ts'
import type { Targets } from '../../src/mlp/task.ts'
import type { Encoder, RawFeatures } from '../../src/preprocessing/encoder.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Examples, Session } from '../engines/engine.ts'
import type { Block } from './selection.ts'
import { readRows, verifyFeatures } from './stored-features.ts'

/** The examples of one split, on their way into the session. */
export interface ExampleSource {
  /** Makes the examples of a block the ones that the session holds. */
  use(block: Block): Promise<void>
  /** Begins to read the block that is used next, while others are trained on. */
  readAhead(block: Block): void
}

/** Hands the whole split in. */
export function loadWhole(
  session: Session,
  encoder: Encoder,
  split: string,
  features: RawFeatures,
  { targets, count }: { targets: Targets; count: number },
): ExampleSource {
  session.load(split, { features: encoder.encode(features, count), labels: targets })
  return { use: async () => {}, readAhead: () => {} }
}

/** Checks the split against its hash, then reads it block by block: it may be larger than memory. */
export async function streamBlocks(
  { blobs, session, encoder }: { blobs: BlobStore; session: Session; encoder: Encoder },
  dataset: DatasetContent,
  split: string,
  stored: StoredSplit,
  targets: Targets,
): Promise<ExampleSource> {
  await verifyFeatures(blobs, stored)
  const width = targets.length / stored.examples
  let held: Block['rows'] | null = null
  let ahead: { rows: Block['rows']; examples: Promise<Examples> } | null = null

  const read = async ({ from, to }: Block['rows']): Promise<Examples> => {
    const features = await readRows(blobs, dataset, stored, { from, to })
    return {
      features: encoder.encode(features, to - from),
      labels: targets.subarray(from * width, to * width),
    }
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
