import { isUtf8 } from 'node:buffer'
import { AppError } from '../../../errors.ts'
import { type ColumnEncoder, encodeBytes, encodeText } from '../../tables/column-encoder.ts'
import { invalidRow } from '../../tables/place.ts'
import type { TableSink } from '../../tables/read-table.ts'
import { type DialectOptions, fieldText, findDialect } from './dialect.ts'
import { createFields, type Fields, SCAN, scanRecord } from './scan-record.ts'

/** Bytes of one record at most, so that a file without line breaks does not fill the memory. */
export const RECORD_BYTES_MAX = 2 * 1024 ** 2

/** Bytes from which the dialect is found out. */
const HEAD_BYTES = 64 * 1024
const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf)

/**
 * Reads separated values as they arrive: RFC 4180 with any delimiter of one byte and any line break, in UTF-8 with or
 * without byte order mark. Empty lines are left out. Never more of it in memory than a piece and a record.
 * @param pieces - the bytes of the file, in any pieces
 * @throws {AppError} DATASET_INVALID with line and column, PAYLOAD_TOO_LARGE
 */
export async function readCsv(
  pieces: AsyncIterable<Buffer>,
  options: DialectOptions,
  sink: TableSink,
): Promise<void> {
  let waiting: Buffer = Buffer.alloc(0)
  let reader: RecordReader | null = null
  const iterator = pieces[Symbol.asyncIterator]()
  for (let isLast = false; !isLast; ) {
    const next = await iterator.next()
    isLast = next.done === true
    const bytes: Buffer = isLast
      ? waiting
      : waiting.length > 0
        ? Buffer.concat([waiting, next.value])
        : next.value
    waiting = bytes
    if (reader === null) {
      if (bytes.length < HEAD_BYTES && !isLast) continue
      waiting = bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? bytes.subarray(3) : bytes
      reader = await openReader(waiting, isLast, options, sink)
      if (reader === null) {
        if (waiting.length > RECORD_BYTES_MAX) throw tooLong(sink)
        waiting = bytes
        continue
      }
    }
    waiting = waiting.subarray(reader.read(waiting, isLast))
    if (waiting.length > RECORD_BYTES_MAX) throw tooLong(sink)
    await sink.flush()
  }
}

interface RecordReader {
  /** Takes all whole records. @returns where the first one that is not whole begins */
  read(bytes: Buffer, isLast: boolean): number
}

/** @returns null while the first record is not whole */
async function openReader(
  head: Buffer,
  isWhole: boolean,
  options: DialectOptions,
  sink: TableSink,
): Promise<RecordReader | null> {
  const { place } = sink
  const { delimiter, hasHeader } = findDialect(head, isWhole, options)
  const fields = createFields()
  place.number = 1
  const names = readNames(head, isWhole, delimiter, hasHeader, fields, sink)
  if (names === null) return null
  const encoders = await sink.open(names)
  const { row } = sink
  let isHeaderAhead = hasHeader
  let line = 1

  return {
    read(bytes, isLast) {
      let at = 0
      while (at < bytes.length) {
        place.number = line
        const next = scanRecord(bytes, at, delimiter, isLast, fields)
        if (next < 0) {
          if (next === SCAN.incomplete && !isLast) break
          throw malformed(sink, next)
        }
        if (!isEmpty(fields)) {
          if (isHeaderAhead) isHeaderAhead = false
          else {
            if (fields.count === encoders.length) encodeRecord(bytes, fields, encoders, sink, row)
            else sink.refuseRow(ragged(sink, encoders.length, fields))
          }
        }
        line += fields.lines
        at = next
      }
      assertText(bytes.subarray(0, at), line, sink)
      return at
    },
  }
}

/** The names of the header, or those of their places: `column1`, `column2`, …; null while it is not whole. */
function readNames(
  head: Buffer,
  isWhole: boolean,
  delimiter: number,
  hasHeader: boolean,
  fields: Fields,
  sink: TableSink,
): string[] | null {
  for (let at = 0; at < head.length; sink.place.number += fields.lines) {
    at = scanRecord(head, at, delimiter, isWhole, fields)
    if (at === SCAN.incomplete && !isWhole) return null
    if (at < 0) throw malformed(sink, at)
    if (isEmpty(fields)) continue
    assertText(head.subarray(0, at), 1, sink)
    return Array.from({ length: fields.count }, (_, field) => {
      return (hasHeader && fieldText(head, fields, field)) || `column${field + 1}`
    })
  }
  throw new AppError('DATASET_INVALID', 'a table must have rows; received an empty file')
}

/** An empty line. */
function isEmpty({ count, starts, ends, doubled }: Fields): boolean {
  return count === 1 && starts[0] === ends[0] && doubled[0] === 0
}

function encodeRecord(
  bytes: Buffer,
  fields: Fields,
  encoders: readonly ColumnEncoder[],
  sink: TableSink,
  row: Float64Array,
): void {
  const { starts, ends, doubled, count } = fields
  for (let field = 0; field < count; field++) {
    const encoder = encoders[field]
    if (!encoder) continue
    row[encoder.index] =
      doubled[field] === 1
        ? encodeText(encoder, sink.place, fieldText(bytes, fields, field), true)
        : encodeBytes(encoder, sink.place, bytes, starts[field] ?? 0, ends[field] ?? 0)
  }
  sink.endRow()
}

/** Whole records are checked together, for that is quick; the line is looked for when something is wrong. */
function assertText(bytes: Buffer, lineAfter: number, { place }: TableSink): void {
  if (!bytes.includes(0) && isUtf8(bytes)) return
  const lines = bytes
    .toString('latin1')
    .split('\n')
    .map(line => Buffer.from(line, 'latin1'))
  const wrong = lines.findIndex(line => line.includes(0) || !isUtf8(line))
  place.number = Math.max(1, lineAfter - (lines.length - 1) + wrong)
  const hasZero = lines[wrong]?.includes(0)
  throw invalidRow(place, hasZero ? 'text must not hold NUL bytes' : 'text must be UTF-8')
}

function ragged({ place }: TableSink, expected: number, fields: Fields): AppError {
  return invalidRow(place, `a row must have ${expected} fields like the first; received ${fields.count}`)
}

function malformed({ place }: TableSink, scan: number): AppError {
  if (scan === SCAN.incomplete) return invalidRow(place, 'a field in quotes must be closed; received the end')
  const detail =
    scan === SCAN.strayQuote
      ? 'a quote must begin its field, or be doubled within quotes'
      : 'a delimiter must follow a closing quote; quotes within quotes are doubled'
  return invalidRow(place, detail)
}

function tooLong({ place }: TableSink): AppError {
  const detail = `${place.unit} ${place.number}: a row may have ${RECORD_BYTES_MAX} bytes; received more (is a quote left open?)`
  return new AppError('PAYLOAD_TOO_LARGE', detail)
}
