import { isUtf8 } from 'node:buffer'
import { AppError } from '../../errors.ts'
import { invalidRow, type Place } from '../tables/place.ts'

/** Bytes of one row of a text file at most, so that a file without line breaks does not fill the memory. */
export const ROW_BYTES_MAX = 2 * 1024 ** 2

/** Bytes at the beginning of a file from which it is found out how it is written. */
export const HEAD_BYTES = 64 * 1024

const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf)

/** The same bytes without a byte order mark. */
export function skipByteOrderMark(head: Buffer): Buffer {
  return head.subarray(0, 3).equals(BYTE_ORDER_MARK) ? head.subarray(3) : head
}

/** A row over the limit. @param question - what may be the reason */
export function longRow({ unit, number }: Place, question: string): AppError {
  const detail = `${unit} ${number}: a row may have ${ROW_BYTES_MAX} bytes; received more (${question})`
  return new AppError('PAYLOAD_TOO_LARGE', detail)
}

/**
 * Checks that whole lines are text in UTF-8: all together, for that is quick; the line is looked for when something
 * is wrong.
 * @param firstLine - the number of the first
 * @throws {AppError} DATASET_INVALID with the line
 */
export function assertText(bytes: Buffer, firstLine: number): void {
  if (!bytes.includes(0) && isUtf8(bytes)) return
  let number = firstLine
  for (let at = 0; at < bytes.length; number++) {
    const end = bytes.indexOf('\n', at)
    const line = bytes.subarray(at, end < 0 ? bytes.length : end)
    const hasZero = line.includes(0)
    if (hasZero || !isUtf8(line)) {
      const detail = hasZero ? 'text must not hold NUL bytes' : 'text must be UTF-8'
      throw invalidRow({ unit: 'line', number }, detail)
    }
    at = end < 0 ? bytes.length : end + 1
  }
}
