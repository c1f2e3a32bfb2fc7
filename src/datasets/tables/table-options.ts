import type { ColumnType, Task } from '../columns.ts'
import type { DatasetFormat } from '../schemas.ts'

/** What the owner of a table says about it; null is for what is to be found out. */
export interface TableOptions {
  format: DatasetFormat
  /** Columns to be learnt. */
  targets: readonly string[] | null
  task: Task | null
  /** What columns are, by their names. */
  types: ReadonlyMap<string, ColumnType>
  /** The column that names each row's split. */
  splitColumn: string | null
}
