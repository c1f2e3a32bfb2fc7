import type { DatasetContent } from '../datasets/content.ts'

/** Where the rows of a batch are, and what their numbers mean to the model. */
export interface BatchInput {
  rows: number
  dtype: DatasetContent['dtype']
  /** Numbers of a stored row. */
  width: number
  /** Blob of `[rows, width]`. */
  features: string
  /** Of a table, where each column of the model is; null: a row is as the model takes it. */
  columns: readonly (ColumnSource | null)[] | null
  /** What the rows really are; null where that is not known. */
  labels: LabelSource | null
  /** Blob of `[row, detail][]` in JSON: rows that cannot be read. */
  failures: string | null
}

/** Where the cells of a column are; null for a column that the model does not see. */
export interface ColumnSource {
  /** Its place in a stored row. */
  feature: number
  /** The model's number of each category of the data; null where cells are no categories. */
  codes: readonly number[] | null
}

/** Labels as datasets store them: classes int32, else float32. A class below 0, or no number: not known. */
export interface LabelSource {
  blob: string
  /** The model's number of each class of the data; null where they are the same. */
  classes: readonly number[] | null
}

/** Why a row cannot be read, by its index. */
export type RowFailure = readonly [row: number, detail: string]

/** Blobs that a batch reads. */
export function blobsOf({ features, labels, failures }: BatchInput): string[] {
  return [features, labels?.blob, failures].flatMap(blob => blob ?? [])
}
