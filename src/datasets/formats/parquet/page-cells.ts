import { isUtf8 } from 'node:buffer'
import {
  type ColumnEncoder,
  encodeBoolean,
  encodeMilliseconds,
  encodeNumber,
  encodeText,
} from '../../tables/column-encoder.ts'
import { invalidCell, type Place } from '../../tables/place.ts'
import { invalidParquet } from './file.ts'
import { readFixedValues } from './fixed-values.ts'
import { createBitReader, createHybridReader, type IntegerReader } from './hybrid.ts'
import type { ParquetColumn } from './meaning.ts'
import { ENCODING } from './page-header.ts'
import { readTexts, toPlainBytes } from './plain-bytes.ts'
import type { Page } from './read-pages.ts'

/** Values that are read at once at most. */
export const BATCH_ROWS = 4_096

/** Gives the cells of the values of a page, in their order. */
export interface CellReader {
  /**
   * Fills the first `count` cells.
   * @param rows - the rows of the values, from 1
   * @throws {AppError} DATASET_INVALID with row and column
   */
  read(cells: Float64Array, count: number, rows: Int32Array): void
}

/** The entries of a dictionary page. A text becomes a cell when the first value names it. */
export type Dictionary =
  | { numbers: Float64Array }
  /** Null where a text is not UTF-8. */
  | { texts: readonly (string | null)[]; cells: Float64Array; isKnown: Uint8Array }

/** Reads the entries of a dictionary page. @throws {AppError} DATASET_INVALID */
export function readDictionary(page: Page, column: ParquetColumn): Dictionary {
  const { values: count, content } = page
  const smallest = Math.max(1, column.width || 4)
  if (count * smallest > content.length) throw invalidParquet('has a dictionary that says more than it holds')
  const isText = column.layout === 'text'
  if (isText || column.layout === 'uuid') {
    const texts = isText
      ? Array.from(readTexts(content, count, ENCODING.plain), toText)
      : readUuids(content, count)
    return { texts, cells: new Float64Array(count), isKnown: new Uint8Array(count) }
  }
  const numbers = new Float64Array(count)
  readFixedValues(content, 0, count, column, numbers)
  return { numbers }
}

/**
 * @param content - of the page after its levels
 * @param count - values that are there
 */
export function createCellReader(
  page: Page,
  content: Buffer,
  count: number,
  column: ParquetColumn,
  dictionary: Dictionary | null,
  encoder: ColumnEncoder,
  place: Place,
): CellReader {
  const { encoding } = page
  if (encoding === ENCODING.dictionary || encoding === ENCODING.plainDictionary) {
    if (!dictionary) throw invalidParquet('has values of a dictionary that is not there')
    const places = createHybridReader(content, 1, content.length, content[0] ?? 0)
    return createDictionaryReader(places, dictionary, column, encoder, place)
  }
  switch (column.layout) {
    case 'boolean':
      return createBooleanReader(openBits(content, encoding), encoder, place)
    case 'uuid': {
      const texts = readUuids(toPlainBytes(content, count, encoding, column), count)
      return createTextReader(texts[Symbol.iterator](), encoder, place)
    }
    case 'text':
      return createTextReader(mapTexts(readTexts(content, count, encoding)), encoder, place)
    default: {
      const plain = toPlainBytes(content, count, encoding, column)
      let at = 0
      return {
        read(cells, length, rows) {
          readFixedValues(plain, at, length, column, cells)
          at += length * column.width
          encodeNumbers(cells, length, rows, column, encoder, place)
        },
      }
    }
  }
}

function createDictionaryReader(
  places: IntegerReader,
  dictionary: Dictionary,
  column: ParquetColumn,
  encoder: ColumnEncoder,
  place: Place,
): CellReader {
  const batch = new Int32Array(BATCH_ROWS)
  const takeNumbers = (numbers: Float64Array, cells: Float64Array, length: number, rows: Int32Array) => {
    for (let at = 0; at < length; at++) cells[at] = numbers[batch[at] ?? 0] ?? 0
    encodeNumbers(cells, length, rows, column, encoder, place)
  }
  const takeTexts = (
    { texts, cells: known, isKnown }: Extract<Dictionary, { texts: unknown }>,
    cells: Float64Array,
    length: number,
    rows: Int32Array,
  ) => {
    for (let at = 0; at < length; at++) {
      const entry = batch[at] ?? 0
      if (isKnown[entry] !== 1) {
        place.number = rows[at] ?? 0
        known[entry] = encodeChecked(encoder, place, texts[entry] ?? null)
        isKnown[entry] = 1
      }
      cells[at] = known[entry] ?? 0
    }
  }
  const size = 'texts' in dictionary ? dictionary.texts.length : dictionary.numbers.length
  return {
    read(cells, length, rows) {
      places.read(batch, 0, length)
      for (let at = 0; at < length; at++) {
        if ((batch[at] ?? 0) >= size) throw invalidParquet('has a value beyond its dictionary')
      }
      if ('texts' in dictionary) takeTexts(dictionary, cells, length, rows)
      else takeNumbers(dictionary.numbers, cells, length, rows)
    },
  }
}

function encodeNumbers(
  cells: Float64Array,
  length: number,
  rows: Int32Array,
  { layout }: ParquetColumn,
  encoder: ColumnEncoder,
  place: Place,
): void {
  const encode = DATES.has(layout) ? encodeMilliseconds : encodeNumber
  const isQuick = encode === encodeNumber
  for (let at = 0; at < length; at++) {
    const number = cells[at] ?? 0
    if (isQuick && encoder.mode === 'numeric' && Number.isFinite(number)) continue
    place.number = rows[at] ?? 0
    cells[at] = encode(encoder, place, number)
  }
}

const DATES = new Set<ParquetColumn['layout']>([
  'days',
  'milliseconds',
  'microseconds',
  'nanoseconds',
  'int96',
])

function openBits(content: Buffer, encoding: number): IntegerReader {
  if (encoding === ENCODING.plain) return createBitReader(content, 0, content.length, 1)
  if (encoding !== ENCODING.runs) throw invalidParquet(`has truth values of the unknown encoding ${encoding}`)
  if (content.length < 4) throw invalidParquet('has a page that ends within its values')
  return createHybridReader(content, 4, content.length, 1)
}

function createBooleanReader(bits: IntegerReader, encoder: ColumnEncoder, place: Place): CellReader {
  const batch = new Int32Array(BATCH_ROWS)
  return {
    read(cells, length, rows) {
      bits.read(batch, 0, length)
      for (let at = 0; at < length; at++) {
        place.number = rows[at] ?? 0
        cells[at] = encodeBoolean(encoder, place, batch[at] === 1)
      }
    },
  }
}

function createTextReader(texts: Iterator<string | null>, encoder: ColumnEncoder, place: Place): CellReader {
  return {
    read(cells, length, rows) {
      for (let at = 0; at < length; at++) {
        place.number = rows[at] ?? 0
        const next = texts.next()
        if (next.done) throw invalidParquet('has a page that ends within its texts')
        cells[at] = encodeChecked(encoder, place, next.value)
      }
    },
  }
}

function* mapTexts(texts: Iterable<Buffer>): Generator<string | null> {
  for (const text of texts) yield toText(text)
}

/** Null when the bytes are no UTF-8; that is refused when a row has them. */
function toText(bytes: Buffer): string | null {
  return isUtf8(bytes) ? bytes.toString('utf8') : null
}

function encodeChecked(encoder: ColumnEncoder, place: Place, text: string | null): number {
  if (text === null) throw invalidCell(place, encoder.name, 'text must be UTF-8')
  return encodeText(encoder, place, text, false)
}

function readUuids(content: Buffer, count: number): string[] {
  if (16 * count > content.length) throw invalidParquet('has a page that ends within its values')
  return Array.from({ length: count }, (_, at) =>
    content.toString('hex', 16 * at, 16 * at + 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
  )
}
