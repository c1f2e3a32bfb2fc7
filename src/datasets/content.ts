import { createHash } from 'node:crypto'
import type { Column, Task } from './columns.ts'
import type { SplitName } from './schemas.ts'

/** The stored examples of one split. */
export interface StoredSplit {
  examples: number
  /** Examples of each label; empty for a regression. */
  classCounts: Record<string, number>
  /** Blob of `[examples, features]`, row by row, in the dataset's dtype, little-endian. */
  features: string
  /**
   * Blob of what is to be learnt, little-endian. Classification: `[examples]` int32, the index of the class.
   * Multi-label: `[examples, classes]` float32, 0 or 1. Regression: `[examples, targets]` float32.
   */
  labels: string
}

/** The stored examples of a dataset. */
export type StoredSplits = Partial<Record<SplitName, StoredSplit>>

/** What decides how a dataset trains. */
export interface DatasetContent {
  kind: 'image' | 'table'
  /** Shape of one example: `[height, width, channels]`, or `[columns]` of a table. */
  shape: number[]
  /** `float64` are the cells of named columns. */
  dtype: 'uint8' | 'float32' | 'float64'
  /** Of a table in the order of its cells; null where numbers have no names. */
  columns: Column[] | null
  task: Task
  /** Names of the columns that are to be learnt; empty where the data does not name them. */
  targets: string[]
  /** Labels, in the order of the network's outputs; empty for a regression. */
  classes: string[]
  splits: StoredSplits
}

/** The hash of a dataset: equal for equal content, whatever it is called and however it was packed. */
export function hashContent(content: DatasetContent): string {
  const { shape, dtype, classes, splits, task, targets, columns } = content
  const named = (['train', 'validation', 'test'] as const).flatMap(name => {
    const split = splits[name]
    return split ? [[name, split.features, split.labels]] : []
  })
  const meaning = task === 'classification' && columns === null ? [] : [task, targets, columns]
  return createHash('sha256')
    .update(JSON.stringify([shape, dtype, classes, named, ...meaning]))
    .digest('hex')
}

/** Features of one example. */
export function featureCount(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1)
}

/** Bytes of one feature as it is stored. */
export const FEATURE_BYTES: Readonly<Record<DatasetContent['dtype'], number>> = {
  uint8: 1,
  float32: 4,
  float64: 8,
}
