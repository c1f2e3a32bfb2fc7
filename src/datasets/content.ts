import { createHash } from 'node:crypto'
import type { SplitName } from './schemas.ts'

/** The stored examples of one split. */
export interface StoredSplit {
  examples: number
  /** Examples of each label. */
  classCounts: Record<string, number>
  /** Blob of `[examples, features]`, row by row, in the dataset's dtype. */
  features: string
  /** Blob of `[examples]` int32, little-endian: the index of the class in the dataset's list. */
  labels: string
}

/** The stored examples of a dataset. */
export type StoredSplits = Partial<Record<SplitName, StoredSplit>>

/** What decides how a dataset trains. */
export interface DatasetContent {
  shape: number[]
  dtype: 'uint8' | 'float32'
  classes: string[]
  splits: StoredSplits
}

/** The hash of a dataset: equal for equal content, whatever it is called and however it was packed. */
export function hashContent({ shape, dtype, classes, splits }: DatasetContent): string {
  const named = (['train', 'validation', 'test'] as const).flatMap(name => {
    const split = splits[name]
    return split ? [[name, split.features, split.labels]] : []
  })
  return createHash('sha256')
    .update(JSON.stringify([shape, dtype, classes, named]))
    .digest('hex')
}

/** Features of one example. */
export function featureCount(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1)
}
