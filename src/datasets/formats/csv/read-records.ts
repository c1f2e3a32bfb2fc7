import { type ColumnEncoder, encodeBytes, encodeText } from '../../tables/column-encoder.ts'
import type { TableSink } from '../../tables/read-table.ts'
import { malformedRecord, raggedRecord } from './mistakes.ts'
import { readPlainNumber } from './read-plain-number.ts'
import { afterRecord, createField, NEWLINE, RETURN, SCAN, scanField } from './scan-field.ts'
import { createRecord, fieldText, scanRecord } from './scan-record.ts'

/** Takes the records of a file, a piece at a time. */
export interface RecordReader {
  /**
   * Takes all whole records.
   * @param isLast - nothing follows these bytes
   * @returns where the first record begins that is not whole
   * @throws {AppError} DATASET_INVALID with line and column
   */
  read(bytes: Buffer, isLast: boolean): number
}

/** There is no such record: another number of fields than columns. */
const MISFIT = -4

/**
 * A reader of the records after the header. Fields are read while it is looked where they end, so a record is encoded
 * before it is known to be whole; when it is not, it is read again, which gives the same.
 * @param encoders - of the fields, in their order; two or more
 */
export function createRecordReader(
  sink: TableSink,
  encoders: readonly ColumnEncoder[],
  delimiter: number,
): RecordReader {
  const { place, row } = sink
  const field = createField()
  const lastColumn = encoders.length - 1
  const cellOf = Int32Array.from(encoders, ({ index }) => index)
  /** 1 where numbers are expected; a column changes its mind only where it takes a field the slow way. */
  const isNumeric = new Uint8Array(encoders.length)

  /** @returns the position after the record, `MISFIT` or one of `SCAN` */
  function readRecord(bytes: Buffer, start: number, quickEnd: number, isLast: boolean): number {
    let at = start
    let lines = 1
    for (let column = 0; column <= lastColumn; column++) {
      let after = -1
      if (isNumeric[column] === 1 && at < quickEnd) {
        after = readPlainNumber(bytes, at, row, cellOf[column] ?? 0)
        const byte = bytes[after]
        if (byte !== delimiter && byte !== NEWLINE && byte !== RETURN) after = -1
      }
      if (after < 0) {
        after = scanField(bytes, at, delimiter, field)
        if (after < 0) return after
        if (after >= bytes.length && !isLast) return SCAN.incomplete
        lines += field.breaks
        const isAlone = column === 0 && bytes[after] !== delimiter
        if (isAlone && field.start === field.end) return endLines(bytes, after, lines, isLast)
        encodeField(bytes, column)
      }
      if ((bytes[after] === delimiter) !== column < lastColumn) return MISFIT
      at = after + 1
    }
    if (afterRecord(bytes, at - 1, isLast) < 0) return SCAN.incomplete
    sink.endRow()
    return endLines(bytes, at - 1, lines, isLast)
  }

  function encodeField(bytes: Buffer, column: number): void {
    const encoder = encoders[column]
    if (encoder === undefined) return
    row[encoder.index] = field.hasDoubled
      ? encodeText(encoder, place, fieldText(bytes, field), true)
      : encodeBytes(encoder, place, bytes, field.start, field.end, true)
    isNumeric[column] = encoder.mode === 'numeric' ? 1 : 0
  }

  function endLines(bytes: Buffer, at: number, lines: number, isLast: boolean): number {
    const next = afterRecord(bytes, at, isLast)
    if (next >= 0) place.number += lines
    return next
  }

  /** What is wrong with a record: in the first place the number of its fields. */
  function explain(bytes: Buffer, start: number, isLast: boolean, error: unknown): number {
    const record = createRecord()
    const next = scanRecord(bytes, start, delimiter, isLast, record)
    if (next < 0) return next
    if (record.texts.length === lastColumn + 1) throw error
    sink.refuseRow(raggedRecord(place, lastColumn + 1, record.texts.length))
    place.number += record.lines
    return next
  }

  return {
    read(bytes, isLast) {
      const quickEnd = bytes.lastIndexOf(NEWLINE)
      for (const [column, { mode }] of encoders.entries()) isNumeric[column] = mode === 'numeric' ? 1 : 0
      let at = 0
      while (at < bytes.length) {
        let next: number
        try {
          next = readRecord(bytes, at, quickEnd, isLast)
          if (next === MISFIT) next = explain(bytes, at, isLast, null)
        } catch (error) {
          next = explain(bytes, at, isLast, error)
        }
        if (next < 0) {
          if (next === SCAN.incomplete && !isLast) break
          throw malformedRecord(place, next)
        }
        at = next
      }
      return at
    },
  }
}
