import { AppError } from '../../../errors.ts'
import type { TableSink } from '../../tables/read-table.ts'
import { assertText, HEAD_BYTES, longRow, ROW_BYTES_MAX, skipByteOrderMark } from '../lines.ts'
import { type DialectOptions, findDialect } from './dialect.ts'
import { malformedRecord } from './mistakes.ts'
import { createRecordReader, type RecordReader } from './read-records.ts'
import { SCAN } from './scan-field.ts'
import { createRecord, isEmptyRecord, scanRecord } from './scan-record.ts'

const LONG = 'is a quote left open?'

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
  const { place } = sink
  let waiting: Buffer = Buffer.alloc(0)
  let reader: RecordReader | null = null
  let headBytes = HEAD_BYTES
  const iterator = pieces[Symbol.asyncIterator]()
  for (let isLast = false; !isLast; ) {
    const next = await iterator.next()
    isLast = next.done === true
    if (!isLast) waiting = waiting.length > 0 ? Buffer.concat([waiting, next.value]) : next.value
    if (reader === null) {
      if (waiting.length < headBytes && !isLast) continue
      waiting = skipByteOrderMark(waiting)
      const opened = await openReader(waiting, isLast, options, sink)
      if (opened === null) {
        if (waiting.length > ROW_BYTES_MAX) throw longRow(place, LONG)
        headBytes = Math.min(2 * waiting.length, ROW_BYTES_MAX) // not again for every piece
        continue
      }
      reader = opened.reader
      waiting = waiting.subarray(opened.headerBytes)
    }
    const line = place.number
    const taken = reader.read(waiting, isLast)
    assertText(waiting.subarray(0, taken), line)
    waiting = waiting.subarray(taken)
    if (waiting.length > ROW_BYTES_MAX) throw longRow(place, LONG)
    await sink.flush()
  }
}

/** @returns null while the first record is not whole; else the place is at the first row */
async function openReader(
  head: Buffer,
  isWhole: boolean,
  options: DialectOptions,
  sink: TableSink,
): Promise<{ reader: RecordReader; headerBytes: number } | null> {
  const { place } = sink
  const { delimiter, hasHeader } = findDialect(head, isWhole, options)
  const record = createRecord()
  place.number = 1
  for (let at = 0; at < head.length; place.number += record.lines) {
    const after = scanRecord(head, at, delimiter, isWhole, record)
    if (after === SCAN.incomplete && !isWhole) return null
    if (after < 0) throw malformedRecord(place, after)
    if (!isEmptyRecord(record)) {
      assertText(head.subarray(at, after), place.number)
      const names = record.texts.map((text, field) => (hasHeader && text) || `column${field + 1}`)
      const encoders = await sink.open(names)
      if (hasHeader) place.number += record.lines
      const reader = createRecordReader(sink, encoders, delimiter)
      return { reader, headerBytes: hasHeader ? after : at }
    }
    at = after
  }
  if (!isWhole) return null
  throw new AppError('DATASET_INVALID', 'a table must have rows; received an empty file')
}
