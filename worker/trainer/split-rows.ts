import type { DatasetContent, StoredSplit } from '../../src/datasets/content.ts'
import type { TrainingSpec } from '../../src/jobs/training-spec.ts'
import type { Targets } from '../../src/mlp/task.ts'
import type { RawFeatures } from '../../src/preprocessing/encoder.ts'
import { countInputs } from '../../src/preprocessing/inputs.ts'
import type { FittedPreprocessing, Preprocessing } from '../../src/preprocessing/preprocessing.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import { type Selection, select } from './selection.ts'
import { readFeatures, readTargets, rowBytes } from './stored-features.ts'

/** How features are prepared: with figures that are to be learnt, or with those of a base model. */
export type Preparation =
  | { preprocessing: Preprocessing; isFitted: false }
  | { preprocessing: FittedPreprocessing; isFitted: true }

/** What is wanted of a dataset. */
export type DataSpec = Preparation & {
  dataset: DatasetContent
  training: TrainingSpec
  /** Features of a split that are larger are trained in blocks. */
  residentBytesMax: number
}

/** A block and the one read ahead, and what the engine makes of each, must fit into the limit together. */
const BLOCKS_IN_MEMORY = 4

/** A split that the training needs. */
export interface Rows {
  split: string
  stored: StoredSplit
  targets: Targets
  examples: number
  blockExamples: number
  isResident: boolean
  /** Whether its examples are changed in each epoch. */
  isAugmented: boolean
  /** All its features, read once; of a split that is resident. */
  features(): Promise<RawFeatures>
}

/** Finds out how a split is best brought in, and reads what is to be learnt of it. */
export async function openRows(
  blobs: BlobStore,
  { dataset, training, preprocessing, residentBytesMax }: DataSpec,
  split: string,
  stored: StoredSplit,
): Promise<Rows> {
  const { examples } = stored
  const encodedBytes = dataset.dtype === 'uint8' ? 1 : 4
  const bytes = Math.max(rowBytes(dataset), countInputs(preprocessing, dataset) * encodedBytes)
  const isResident = examples * bytes <= residentBytesMax
  let reading: Promise<RawFeatures> | null = null
  return {
    split,
    stored,
    examples,
    isResident,
    isAugmented: split === 'train' && training.augmentation !== undefined,
    targets: await readTargets(blobs, dataset, stored),
    blockExamples: isResident
      ? examples
      : wholeBatches(residentBytesMax / BLOCKS_IN_MEMORY / bytes, training.batchSize),
    features() {
      reading ??= readFeatures(blobs, dataset, stored)
      return reading
    },
  }
}

/** Selects rows of a split, in ascending order. */
export function selectRows({ split, targets, examples, blockExamples }: Rows, which: Int32Array): Selection {
  return select(split, which, targets, { examples, blockExamples })
}

/**
 * Selects rows that lie among others. Blocks have as many fewer of them as there are fewer, since what lies between
 * them is brought in too.
 * @param batchSize - no batch lies across two blocks
 */
export function selectScattered(rows: Rows, which: Int32Array, batchSize: number): Selection {
  if (rows.isResident) return selectRows(rows, which)
  const blockExamples = wholeBatches((rows.blockExamples * which.length) / rows.examples, batchSize)
  return selectRows({ ...rows, blockExamples }, which)
}

/** All rows of a split. */
export function allRows({ examples }: Rows): Int32Array {
  return Int32Array.from({ length: examples }, (_, index) => index)
}

/** No batch may lie across two blocks. */
function wholeBatches(examples: number, batchSize: number): number {
  return Math.max(1, Math.floor(examples / batchSize)) * batchSize
}
