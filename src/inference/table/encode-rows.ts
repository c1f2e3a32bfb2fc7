import {
  type ColumnEncoder,
  encodeBoolean,
  encodeMissing,
  encodeNumber,
  encodeText,
} from '../../datasets/tables/column-encoder.ts'
import { CellError, invalidCell, quote } from '../../datasets/tables/place.ts'
import { AppError, fieldError, pointerToken } from '../../errors.ts'
import type { Failures, Rows } from '../rows.ts'
import type { Work } from '../turns.ts'
import { createReaders, type TableInput } from './table-input.ts'

/** A row of a table in JSON: values by the names of columns, or in the order of the model's columns. */
export type JsonRow = Readonly<Record<string, unknown>> | readonly unknown[]

/**
 * Rows as cells, by the code that read the training rows: the same values give the same cells, to the bit.
 * @param pointer - where the rows stand in the request
 * @param failures - takes rows that cannot be read; null: the first one is thrown
 * @returns cells float64, NaN where a value is missing
 * @throws {AppError} INPUT_INVALID with row and column, and of `Work.next`
 */
export async function encodeRows(
  table: TableInput,
  rows: readonly JsonRow[],
  pointer: string,
  work: Work,
  failures: Failures | null,
): Promise<Rows> {
  const width = table.columns.length
  const features = new Float64Array(rows.length * width).fill(Number.NaN)
  const readers = createReaders(table, null)
  const known = new Set([...table.columns.map(({ name }) => name), ...table.targets])
  for (const [index, row] of rows.entries()) {
    const place = `${pointer}/${index}`
    try {
      encodeRow(table, known, readers, row, place, features.subarray(index * width, (index + 1) * width))
    } catch (error) {
      if (!failures || !(error instanceof AppError)) throw error
      failures.set(index, error)
    }
    if (work.isOver()) await work.next()
  }
  return { count: rows.length, features, failures }
}

function encodeRow(
  { columns }: TableInput,
  known: ReadonlySet<string>,
  readers: readonly (ColumnEncoder | null)[],
  row: JsonRow,
  place: string,
  cells: Float64Array,
): void {
  const isList = Array.isArray(row)
  if (isList && row.length !== columns.length) {
    const names = columns.map(({ name }) => quote(name)).join(', ')
    const detail = `an instance must have ${columns.length} values (${names}); received ${row.length}`
    throw fieldError('INPUT_INVALID', place, detail)
  }
  const byName = row as Readonly<Record<string, unknown>>
  if (!isList) assertColumns(known, readers, byName, place)
  for (const [index, reader] of readers.entries()) {
    if (!reader) continue
    try {
      cells[index] = encodeValue(reader, isList ? row[index] : byName[reader.name])
    } catch (cause) {
      if (!(cause instanceof CellError)) throw cause
      const pointer = `${place}/${isList ? index : pointerToken(reader.name)}`
      const detail = `column ${quote(reader.name)}: ${cause.detail}`
      throw new AppError('INPUT_INVALID', detail, { errors: [{ pointer, detail }], cause })
    }
  }
}

function assertColumns(
  known: ReadonlySet<string>,
  readers: readonly (ColumnEncoder | null)[],
  row: Readonly<Record<string, unknown>>,
  place: string,
): void {
  const missing = readers.find(reader => reader && !Object.hasOwn(row, reader.name))
  if (missing) {
    const detail = `the column ${quote(missing.name)} is required; null where its value is missing`
    throw fieldError('INPUT_INVALID', `${place}/${pointerToken(missing.name)}`, detail)
  }
  for (const name in row) {
    if (known.has(name)) continue
    const detail = `the model has no column ${quote(name)}`
    throw fieldError('INPUT_INVALID', `${place}/${pointerToken(name)}`, detail)
  }
}

/** Errors say where by their pointer, so this is never told. */
const PLACE = { unit: 'row', number: 0 } as const

/** @throws {CellError} */
function encodeValue(reader: ColumnEncoder, value: unknown): number {
  switch (typeof value) {
    case 'number':
      // Numbers 0 and 1 are truth values where those are wanted, as they are in CSV.
      if (reader.declared === 'boolean') return encodeText(reader, PLACE, String(value), true)
      return encodeNumber(reader, PLACE, value)
    case 'boolean':
      return encodeBoolean(reader, PLACE, value)
    case 'string':
      return encodeText(reader, PLACE, value, true)
    default: {
      if (value === null || value === undefined) return encodeMissing(reader, PLACE)
      const received = Array.isArray(value) ? 'a list' : 'an object'
      throw invalidCell(PLACE, reader.name, `must be a value or null; received ${received}`)
    }
  }
}
