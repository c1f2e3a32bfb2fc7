import type { Column } from '../../datasets/columns.ts'
import { type ColumnEncoder, createClosedEncoder } from '../../datasets/tables/column-encoder.ts'
import type { CellError } from '../../datasets/tables/place.ts'
import type { Manifest } from '../../models/manifest.ts'

/** What a model takes whose features have names. */
export interface TableInput {
  /** In the order of its cells. */
  columns: readonly Column[]
  /** Columns that the network sees, by name; an input must have each of them. */
  used: ReadonlySet<string>
  /** Names of what is predicted; an input may have them, as the training data did, and they are not looked at. */
  targets: readonly string[]
  /** Of each column, the numbers of its categories. */
  codes: readonly Map<string, number>[]
}

/** @returns null where features have no names */
export function describeTableInput({ input, preprocessing, targets = [] }: Manifest): TableInput | null {
  const { columns } = input
  if (!columns || !('columns' in preprocessing)) return null
  const used = columns.filter(({ name }) => (preprocessing.columns[name] ?? null) !== null)
  return {
    columns,
    used: new Set(used.map(({ name }) => name)),
    targets,
    codes: columns.map(column => new Map(categoriesOf(column).map((category, code) => [category, code]))),
  }
}

function categoriesOf(column: Column): readonly string[] {
  return column.type === 'categorical' ? column.categories : []
}

/**
 * What reads the cells of a column. Of one that the network does not see nothing is read: its values may be anything.
 * @param onInvalid - takes cells that cannot be read; null: they are thrown
 * @returns null where nothing is read
 */
export function createReaders(
  { columns, used, codes }: TableInput,
  onInvalid: ((error: CellError) => void) | null,
): (ColumnEncoder | null)[] {
  return columns.map(({ name, type }, index) =>
    used.has(name)
      ? createClosedEncoder({ name, index, declared: type, codes: codes[index] ?? new Map(), onInvalid })
      : null,
  )
}
