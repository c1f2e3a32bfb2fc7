import { isUtf8 } from 'node:buffer'
import { AppError } from '../../../errors.ts'
import { invalidRow, type Place } from '../../tables/place.ts'
import { SCAN } from './scan-field.ts'

/** Bytes of one record at most, so that a file without line breaks does not fill the memory. */
export const RECORD_BYTES_MAX = 2 * 1024 ** 2

/** A record with another number of fields than the first. */
export function raggedRecord(place: Place, expected: number, received: number): AppError {
  return invalidRow(place, `a row must have ${expected} fields like the first; received ${received}`)
}

/** A record that does not follow the rules of quotes. @param scan - one of `SCAN` */
export function malformedRecord(place: Place, scan: number): AppError {
  if (scan === SCAN.incomplete) return invalidRow(place, 'a field in quotes must be closed; received the end')
  const detail =
    scan === SCAN.strayQuote
      ? 'a quote must begin its field, or be doubled within quotes'
      : 'a delimiter must follow a closing quote; quotes within quotes are doubled'
  return invalidRow(place, detail)
}

/** A record over the limit. */
export function longRecord({ unit, number }: Place): AppError {
  const detail = `${unit} ${number}: a row may have ${RECORD_BYTES_MAX} bytes; received more (is a quote left open?)`
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
