import {
  type DatasetContent,
  FEATURE_BYTES,
  featureCount,
  type StoredSplit,
} from '../../src/datasets/content.ts'
import { countHeldOut } from '../../src/jobs/resolve-spec.ts'
import type { TrainingSpec } from '../../src/jobs/training-spec.ts'
import { createRandom, permutation } from '../../src/mlp/random.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Session } from '../engines/engine.ts'
import { type ExampleSource, loadWhole, streamBlocks } from './example-source.ts'
import { type Selection, select } from './selection.ts'

/** What a training works on. */
export interface TrainingData {
  train: Selection
  validation: Selection | null
  /** For the final report: the test split when there is one, else the validation examples. */
  evaluation: Selection | null
  /** Brings the examples of a selection into the session. */
  sourceOf(selection: Selection): ExampleSource
}

/** A block and the one read ahead, and what the engine makes of each, must fit into the limit together. */
const BLOCKS_IN_MEMORY = 4

/**
 * Makes the splits that are needed available to the session, checked against their hashes: in memory, or in blocks
 * where their features are larger than `residentBytesMax`.
 */
export async function loadData(
  blobs: BlobStore,
  session: Session,
  dataset: DatasetContent,
  training: TrainingSpec,
  residentBytesMax: number,
): Promise<TrainingData> {
  const sources = new Map<string, ExampleSource>()
  const open = async (split: string, stored: StoredSplit): Promise<Rows> => {
    const { examples } = stored
    const labels = toLabels(await blobs.read(stored.labels))
    const rowBytes = featureCount(dataset.shape) * FEATURE_BYTES[dataset.dtype]
    const isResident = examples * rowBytes <= residentBytesMax
    const source = isResident ? loadWhole : streamBlocks
    sources.set(split, await source(blobs, session, dataset, split, stored, labels))
    const blockExamples = isResident
      ? examples
      : wholeBatches(residentBytesMax / BLOCKS_IN_MEMORY / rowBytes, training.batchSize)
    return { split, labels, examples, blockExamples }
  }

  const { validation: from } = training
  const validationSplit = from && 'split' in from ? from.split : null
  const rows = new Map<string, Rows>()
  for (const [split, stored] of Object.entries(dataset.splits)) {
    if (split === 'train' || split === 'test' || split === validationSplit) {
      rows.set(split, await open(split, stored))
    }
  }
  const all = rows.get('train')
  if (!all) throw new Error('a dataset has a training split')
  const { train, heldOut } = holdOut(all, training)
  const wholeSplit = (name: string | null) => {
    const split = name === null ? undefined : rows.get(name)
    return split ? selectRows(split, firstRows(split.examples)) : null
  }
  const validation = wholeSplit(validationSplit) ?? heldOut
  return {
    train,
    validation,
    evaluation: wholeSplit('test') ?? validation,
    sourceOf({ split }) {
      const source = sources.get(split)
      if (!source) throw new Error(`the split ${split} is not loaded`)
      return source
    },
  }
}

interface Rows {
  split: string
  labels: Int32Array
  examples: number
  blockExamples: number
}

function selectRows(rows: Rows, which: Int32Array): Selection {
  return select(rows.split, which, rows.labels, rows)
}

/** No batch may lie across two blocks. */
function wholeBatches(examples: number, batchSize: number): number {
  return Math.max(1, Math.floor(examples / batchSize)) * batchSize
}

function toLabels(bytes: Buffer): Int32Array {
  return new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

function firstRows(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, index) => index)
}

/** Sets a seeded random part of the training examples aside. */
function holdOut(all: Rows, training: TrainingSpec): { train: Selection; heldOut: Selection | null } {
  const count = countHeldOut(training, all.examples)
  if (count === 0) return { train: selectRows(all, firstRows(all.examples)), heldOut: null }
  const order = permutation(createRandom(training.seed, 'validation'), all.examples)
  return {
    train: selectRows(all, order.slice(count).sort()),
    heldOut: selectRows(all, order.slice(0, count).sort()),
  }
}
