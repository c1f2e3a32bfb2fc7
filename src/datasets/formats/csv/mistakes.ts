import type { AppError } from '../../../errors.ts'
import { invalidRow, type Place } from '../../tables/place.ts'
import { SCAN } from './scan-field.ts'

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
