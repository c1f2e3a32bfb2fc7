import { POWERS, parseLongNumber } from '../../tables/parse-long-number.ts'

const ZERO = 0x30
const POINT = 0x2e
const MINUS = 0x2d

/** Digits whose number float64 always holds exactly. */
const DIGITS_MAX = 15

/**
 * Reads a number of sign, digits and point, while it is looked where it ends: the quick way for most numbers of most
 * files. With at most 15 digits the quotient of two exact numbers is rounded once, and up to 18 that of pairs of them,
 * so it is the float64 that is nearest to the text, as `parseNumber` gives it.
 * @param bytes - a byte that is neither digit nor point must follow somewhere
 * @param cells - gets the number
 * @returns the position after it; -1 when it is no such number, for which there is a slow way
 */
export function readPlainNumber(bytes: Uint8Array, start: number, cells: Float64Array, cell: number): number {
  let at = start
  const isNegative = bytes[at] === MINUS
  if (isNegative) at++
  const first = at
  let mantissa = 0
  let digit = (bytes[at] ?? 0) - ZERO
  while (digit >= 0 && digit <= 9) {
    mantissa = mantissa * 10 + digit
    digit = (bytes[++at] ?? 0) - ZERO
  }
  let digits = at - first
  if (bytes[at] === POINT) {
    const point = ++at
    digit = (bytes[at] ?? 0) - ZERO
    while (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit
      digit = (bytes[++at] ?? 0) - ZERO
    }
    digits += at - point
    if (digits === 0) return -1
    if (digits <= DIGITS_MAX) mantissa /= POWERS[at - point] ?? 1
    else mantissa = parseLongNumber(bytes, first, at, at - point)
  } else {
    if (digits === 0) return -1
    if (digits > DIGITS_MAX) mantissa = parseLongNumber(bytes, first, at, 0)
  }
  if (Number.isNaN(mantissa)) return -1
  cells[cell] = isNegative ? -mantissa : mantissa
  return at
}
