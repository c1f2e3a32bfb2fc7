import { AppError } from '../../../errors.ts'
import { type ColumnEncoder, encodeMissing } from '../../tables/column-encoder.ts'
import type { DatasetSink } from '../../tables/read-table.ts'
import { assertText, HEAD_BYTES, longRow, ROW_BYTES_MAX, skipByteOrderMark } from '../lines.ts'
import { columnsOf, type Field, type Fields, forgetEncoders } from './field.ts'
import { createObjectReader, type ObjectReader } from './read-object.ts'
import { skipSpace } from './scan-json.ts'

const NEWLINE = 0x0a
const LONG = 'each object has a line of its own'

/**
 * Reads JSON Lines as they arrive: an object on each line, in UTF-8 with or without byte order mark. A key is a
 * column, a key within an object is `outer.inner`, and an element of an array of numbers is `key.0`; a key that an
 * object does not have is a missing value. Empty lines are left out.
 * @param fields - what the files before had; it is added to
 * @throws {AppError} DATASET_INVALID with line and column, PAYLOAD_TOO_LARGE
 * @see https://jsonlines.org and RFC 8259
 */
export async function readJsonl(
  pieces: AsyncIterable<Buffer>,
  fields: Fields,
  sink: DatasetSink,
): Promise<void> {
  const { place } = sink
  const reader = createObjectReader(fields, place)
  let waiting: Buffer = Buffer.alloc(0)
  let takeRow: (() => void) | null = null
  place.number = 1
  const iterator = pieces[Symbol.asyncIterator]()
  for (let isLast = false; !isLast; ) {
    const next = await iterator.next()
    isLast = next.done === true
    if (!isLast) waiting = waiting.length > 0 ? Buffer.concat([waiting, next.value]) : next.value
    if (takeRow === null) {
      if (!isLast && waiting.length < HEAD_BYTES) continue
      waiting = skipByteOrderMark(waiting)
    }
    const whole = waiting.subarray(0, isLast ? waiting.length : waiting.lastIndexOf(NEWLINE) + 1)
    takeRow ??= await open(whole, isLast, reader, fields, sink)
    if (takeRow === null) {
      if (waiting.length > ROW_BYTES_MAX) throw longRow(place, LONG)
      continue
    }
    assertText(whole, place.number)
    readLines(whole, reader, sink, takeRow)
    waiting = waiting.subarray(whole.length)
    if (waiting.length > ROW_BYTES_MAX) throw longRow(place, LONG)
    await sink.flush()
  }
  sink.settle(Array.from(columnsOf(fields.root), ({ name }) => name))
}

function readLines(
  bytes: Buffer,
  reader: ObjectReader,
  { place, row }: DatasetSink,
  takeRow: () => void,
): void {
  for (let at = 0; at < bytes.length; at++, place.number++) {
    at = skipSpace(bytes, at)
    if (at >= bytes.length || bytes[at] === NEWLINE) continue
    row.fill(Number.NaN)
    at = reader.read(bytes, at, row)
    takeRow()
  }
}

/**
 * Looks which columns the first lines have, and begins the file.
 * @returns what takes a row; null while there is none
 */
async function open(
  head: Buffer,
  isWhole: boolean,
  reader: ObjectReader,
  fields: Fields,
  sink: DatasetSink,
): Promise<(() => void) | null> {
  const { place } = sink
  const isThere = (field: Field) => field.object === fields.objects
  let first: string[] | null = null
  forgetEncoders(fields.root)
  assertText(head, 1)
  readLines(head, reader, { ...sink, row: new Float64Array(0) }, () => {
    first ??= Array.from(columnsOf(fields.root)).flatMap(field => (isThere(field) ? [field.name] : []))
  })
  place.number = 1
  if (first === null) {
    if (!isWhole) return null
    throw new AppError('DATASET_INVALID', 'a table must have rows; received an empty file')
  }
  const columns = Array.from(columnsOf(fields.root))
  const names = columns.map(({ name }) => name)
  const encoders = await sink.openSome(names, first)
  const required: { field: Field; encoder: ColumnEncoder }[] = []
  columns.forEach((field, at) => {
    const encoder = encoders[at] ?? null
    field.encoder = encoder
    if (encoder && encoder.role !== 'feature') required.push({ field, encoder })
  })
  return () => {
    for (const { field, encoder } of required) if (!isThere(field)) encodeMissing(encoder, place)
    sink.endRow()
  }
}
