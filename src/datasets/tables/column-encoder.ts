import { type ColumnType, UNKNOWN_CATEGORY } from '../columns.ts'
import { type CellCache, createCellCache } from './cell-cache.ts'
import { isInfinity, isMissing, isStorable, parseBoolean } from './cell-words.ts'
import { hashText } from './hash-text.ts'
import { parseDatetime } from './parse-datetime.ts'
import { parseNumber } from './parse-number.ts'
import { type CellError, invalidCell, type Place, quote } from './place.ts'

/** What the cells of a column are read as, in one pass over the data. */
export type CellMode = 'undecided' | 'numeric' | 'boolean' | 'datetime' | 'text' | 'hash'

/** Different texts of a column that are remembered; of more it is no longer one of categories. */
export const CATEGORIES_MAX = 10_000

/**
 * Turns the cells of one column into numbers while they stream by. The first value decides what the column holds;
 * when a later one does not fit, the column is text, and the data must be read once more, from its start.
 */
export interface ColumnEncoder {
  readonly name: string
  /** Its cell in a row. */
  readonly index: number
  readonly role: 'feature' | 'target' | 'split'
  /** What the owner says that it is; then a value that does not fit is an error. */
  readonly declared: ColumnType | null
  mode: CellMode
  /** The first value that did not fit, and where it was. */
  conflict: { where: string; value: string; before: CellMode } | null
  /** Of a text column: the number of each text, in the order of appearance. */
  readonly codes: Map<string, number>
  /** There are more texts than `CATEGORIES_MAX`; the cells of those are hashes. */
  hasOverflow: boolean
  /** Of a datetime column: some value is not at midnight. */
  hasTime: boolean
  /** Its categories are those of a model: others are `UNKNOWN_CATEGORY`. */
  readonly isClosed: boolean
  /** Takes a cell that cannot be read, in place of an error that ends the reading; null: it is thrown. */
  readonly onInvalid: ((error: CellError) => void) | null
  /** Texts that came lately, in the present mode; null before the first. */
  cache: CellCache | null
}

/** The last moment of a date. @see ECMA-262, section 21.4.1.1 */
const DATE_MS_MAX = 8.64e15

const MODES: Readonly<Record<ColumnType, CellMode>> = {
  numeric: 'numeric',
  boolean: 'boolean',
  datetime: 'datetime',
  categorical: 'text',
  id: 'hash',
  text: 'hash',
}

/** An encoder that has seen nothing. */
export function createColumnEncoder(
  column: Pick<ColumnEncoder, 'name' | 'index' | 'role' | 'declared'>,
  mode: CellMode | null = null,
): ColumnEncoder {
  const { declared } = column
  return {
    ...column,
    mode: mode ?? (declared ? MODES[declared] : 'undecided'),
    conflict: null,
    codes: new Map(),
    hasOverflow: false,
    hasTime: false,
    isClosed: false,
    onInvalid: null,
    cache: null,
  }
}

/**
 * An encoder of a column that a model knows: the same cells as in its training.
 * @param codes - of a column of categories: their numbers
 */
export function createClosedEncoder(
  column: Pick<ColumnEncoder, 'name' | 'index' | 'declared' | 'codes' | 'onInvalid'>,
): ColumnEncoder {
  return { ...createColumnEncoder({ ...column, role: 'feature' }), ...column, isClosed: true }
}

/**
 * The cell of a text in UTF-8; NaN when the value is missing.
 * @param mayBeNumber - as of `encodeText`
 * @throws {AppError} DATASET_INVALID with row and column
 */
export function encodeBytes(
  encoder: ColumnEncoder,
  place: Place,
  bytes: Buffer,
  start: number,
  end: number,
  mayBeNumber: boolean,
): number {
  const { mode } = encoder
  if (mode === 'numeric' && mayBeNumber) {
    const number = parseNumber(bytes, start, end)
    if (Number.isFinite(number)) return number
  }
  if (mode === 'hash' || mode === 'undecided') {
    return encodeText(encoder, place, bytes.toString('utf8', start, end), mayBeNumber)
  }
  encoder.cache ??= createCellCache()
  const slot = encoder.cache.find(bytes, start, end)
  if (slot >= 0) return encoder.cache.cells[slot] ?? Number.NaN
  const cell = encodeText(encoder, place, bytes.toString('utf8', start, end), mayBeNumber)
  if (encoder.mode !== mode) encoder.cache = null
  else if (!Number.isNaN(cell) || !encoder.onInvalid) encoder.cache.add(bytes, start, end, cell) // each refusal is told
  return cell
}

/**
 * The cell of a text; NaN when the value is missing.
 * @param mayBeNumber - the text may stand for a number, as in CSV, where all is text
 * @throws {AppError} DATASET_INVALID with row and column
 */
export function encodeText(encoder: ColumnEncoder, place: Place, text: string, mayBeNumber: boolean): number {
  if (isMissing(text)) return encodeMissing(encoder, place)
  if (encoder.mode === 'undecided') encoder.mode = modeOf(text, mayBeNumber)
  const { mode } = encoder
  if (mode === 'text') return encodeCategory(encoder, place, text)
  if (mode === 'hash') return hashText(text)
  const cell = parseAs(mode, text, mayBeNumber || encoder.declared !== null)
  if (mode === 'numeric' && (Math.abs(cell) === Number.POSITIVE_INFINITY || isInfinity(text))) {
    return reject(encoder, place, `numbers must be finite; received ${quote(text)}`)
  }
  if (mode === 'datetime' && cell % 86_400_000 !== 0) encoder.hasTime = true
  return Number.isNaN(cell) ? refuse(encoder, place, text) : cell
}

/**
 * The cell of a number.
 * @throws {AppError} DATASET_INVALID with row and column
 */
export function encodeNumber(encoder: ColumnEncoder, place: Place, number: number): number {
  if (!Number.isFinite(number)) {
    if (Number.isNaN(number)) return encodeMissing(encoder, place)
    return reject(encoder, place, `numbers must be finite; received ${number}`)
  }
  if (encoder.mode === 'undecided') encoder.mode = 'numeric'
  if (encoder.mode === 'numeric') return number
  return encodeOther(encoder, place, String(number))
}

/** The cell of a truth value. @throws {AppError} DATASET_INVALID with row and column */
export function encodeBoolean(encoder: ColumnEncoder, place: Place, value: boolean): number {
  if (encoder.mode === 'undecided') encoder.mode = 'boolean'
  if (encoder.mode === 'boolean') return value ? 1 : 0
  return encodeOther(encoder, place, String(value))
}

/**
 * The cell of a date.
 * @param milliseconds - since 1970-01-01T00:00Z; NaN when there is none
 * @throws {AppError} DATASET_INVALID with row and column
 */
export function encodeMilliseconds(encoder: ColumnEncoder, place: Place, milliseconds: number): number {
  if (Number.isNaN(milliseconds)) return encodeMissing(encoder, place)
  if (Math.abs(milliseconds) > DATE_MS_MAX) {
    throw invalidCell(
      place,
      encoder.name,
      `dates must be in the years ±271821; received ${milliseconds} ms since 1970`,
    )
  }
  if (encoder.mode === 'undecided') encoder.mode = 'datetime'
  if (encoder.mode !== 'datetime') return encodeOther(encoder, place, new Date(milliseconds).toISOString())
  if (milliseconds % 86_400_000 !== 0) encoder.hasTime = true
  return milliseconds
}

/** The cell of nothing. @throws {AppError} DATASET_INVALID when the column is to be learnt */
export function encodeMissing(encoder: ColumnEncoder, place: Place): number {
  if (encoder.role === 'target') {
    throw invalidCell(place, encoder.name, 'what is to be learnt must have a value; received none')
  }
  return Number.NaN
}

/** The cell of a value of another kind than the column's, by its text. */
function encodeOther(encoder: ColumnEncoder, place: Place, text: string): number {
  if (encoder.mode === 'text') return encodeCategory(encoder, place, text)
  if (encoder.mode === 'hash') return hashText(text)
  return refuse(encoder, place, text)
}

function encodeCategory(encoder: ColumnEncoder, place: Place, text: string): number {
  const { codes } = encoder
  const known = codes.get(text)
  if (known !== undefined) return known
  if (encoder.isClosed) return UNKNOWN_CATEGORY
  if (codes.size === CATEGORIES_MAX) {
    if (encoder.declared === 'categorical' || encoder.role === 'target') {
      throw invalidCell(
        place,
        encoder.name,
        `there may be ${CATEGORIES_MAX} categories; ${quote(text)} is one more`,
      )
    }
    encoder.hasOverflow = true
    return hashText(text)
  }
  if (!isStorable(text)) {
    throw invalidCell(place, encoder.name, `texts must be Unicode without NUL; received ${quote(text)}`)
  }
  codes.set(text, codes.size)
  return codes.size - 1
}

/** A value that does not fit: an error when the column's type is given, else a reason to read the data again. */
function refuse(encoder: ColumnEncoder, place: Place, text: string): number {
  if (encoder.declared) {
    return reject(encoder, place, `must be ${NOUNS[encoder.declared]}; received ${quote(text)}`)
  }
  encoder.conflict = { where: `${place.unit} ${place.number}`, value: text, before: encoder.mode }
  encoder.mode = 'text'
  return Number.NaN
}

/** @throws {CellError} unless the encoder takes it */
function reject(encoder: ColumnEncoder, place: Place, detail: string): number {
  const error = invalidCell(place, encoder.name, detail)
  if (!encoder.onInvalid) throw error
  encoder.onInvalid(error)
  return Number.NaN
}

/** What a value of a type is called. */
export const NOUNS: Readonly<Record<ColumnType, string>> = {
  numeric: 'a number',
  boolean: 'true or false',
  datetime: 'a date of ISO 8601',
  categorical: 'a category',
  id: 'an id',
  text: 'a text',
}

function modeOf(text: string, mayBeNumber: boolean): CellMode {
  if (mayBeNumber && (!Number.isNaN(parseAs('numeric', text, true)) || isInfinity(text))) return 'numeric'
  if (mayBeNumber && !Number.isNaN(parseBoolean(text))) return 'boolean'
  return Number.isNaN(parseDatetime(text)) ? 'text' : 'datetime'
}

function parseAs(mode: CellMode, text: string, mayBeNumber: boolean): number {
  if (mode === 'datetime') return parseDatetime(text)
  if (!mayBeNumber) return Number.NaN
  if (mode === 'boolean') return parseBoolean(text)
  const bytes = Buffer.from(text)
  return parseNumber(bytes, 0, bytes.length)
}
