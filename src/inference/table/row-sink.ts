import { type ColumnEncoder, createColumnEncoder } from '../../datasets/tables/column-encoder.ts'
import { CellError, type Place, quote } from '../../datasets/tables/place.ts'
import type { TableSink } from '../../datasets/tables/read-table.ts'
import { AppError, pointerToken } from '../../errors.ts'
import { createReaders, type TableInput } from './table-input.ts'

/** Takes rows as they are read. */
export interface RowTaker {
  /**
   * @param cells - of the model's columns; used again for the next row
   * @param error - why the row cannot be used; null when it can
   * @param row - all that was read, also of columns that are no input, at the index of its encoder
   */
  take(cells: Float64Array, error: AppError | null, row: Float64Array): void
  /** Is called every some thousand cells. */
  flush(): Promise<void>
}

/** What is known of a file. */
export interface FileOptions {
  unit: Place['unit']
  /** Without one the columns are the model's, in their order. */
  hasHeader: boolean
  /** Encoders for columns that are no input, by name; others of those are read and not looked at. */
  others: ReadonlyMap<string, Omit<ColumnEncoder, 'index'>>
}

/**
 * Lets readers of files read the input of a model: columns in any order, those of its training that it does not see may
 * be missing, and a row that cannot be read harms no other.
 */
export function createRowSink(
  table: TableInput,
  { unit, hasHeader, others }: FileOptions,
  taker: RowTaker,
): TableSink & { encoders: readonly ColumnEncoder[] } {
  const place: Place = { unit, number: 0 }
  const width = table.columns.length
  let row = new Float64Array(width)
  let error: CellError | null = null
  let encoders: ColumnEncoder[] = []
  const readers = createReaders(table, found => {
    error ??= found
  })
  const end = (refused: AppError | null) => {
    taker.take(row.subarray(0, width), refused, row)
    error = null
  }
  return {
    place,
    get row() {
      return row
    },
    get encoders() {
      return encoders
    },
    async open(found) {
      const names = hasHeader ? found : namesByPlace(table, found)
      assertColumns(table, names)
      row = new Float64Array(width + names.length).fill(Number.NaN)
      encoders = names.map((name, position) => {
        const reader = readers.find(reader => reader?.name === name)
        if (reader) return reader
        const other = others.get(name) ?? createColumnEncoder({ name, index: 0, ...UNREAD })
        return { ...other, index: width + position }
      })
      return encoders
    },
    endRow: () => end(error),
    refuseRow: end,
    flush: () => taker.flush(),
  }
}

/** Any value is a text. */
const UNREAD = { role: 'feature', declared: 'text' } as const

/** @throws {AppError} INPUT_INVALID */
function namesByPlace({ columns }: TableInput, found: readonly string[]): string[] {
  const names = columns.map(({ name }) => name)
  if (found.length === names.length) return names
  const wanted = `${names.length} fields (${names.join(', ')})`
  throw invalid(`a row without header must have ${wanted}; received ${found.length}`)
}

/** @throws {AppError} INPUT_INVALID */
function assertColumns({ columns, used, targets }: TableInput, names: readonly string[]): void {
  const known = new Set([...columns.map(({ name }) => name), ...targets])
  const twice = names.find((name, index) => names.indexOf(name) < index)
  const unknown = names.find(name => !known.has(name))
  const missing = [...used].find(name => !names.includes(name))
  if (twice !== undefined) throw invalid(`columns must have different names; received ${quote(twice)} twice`)
  if (missing !== undefined) throw invalid(`the column ${quote(missing)} is required; received none`)
  if (unknown !== undefined) throw invalid(`the model has no column ${quote(unknown)}`)
}

function invalid(detail: string): AppError {
  return new AppError('INPUT_INVALID', detail, { errors: [{ pointer: '', detail }] })
}

/**
 * What a reader of files said, of the input of a model; with line and column in its words.
 * @param pointer - of the row; empty for the whole file
 */
export function toInputError(error: AppError, pointer: string): AppError {
  const at = error instanceof CellError ? `${pointer}/${pointerToken(error.column)}` : pointer
  return new AppError('INPUT_INVALID', error.message, {
    errors: [{ pointer: at, detail: error.message }],
    cause: error,
  })
}
