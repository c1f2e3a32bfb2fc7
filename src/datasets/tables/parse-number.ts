import { POWERS, parseLongNumber } from './parse-long-number.ts'

const ZERO = 0x30
const POINT = 0x2e
const PLUS = 0x2b
const MINUS = 0x2d

/** Integers up to here are exact, whatever sum of digits they come from. */
const EXACT_MAX = 2 ** 53

/**
 * Reads a number as JSON and Python write it: sign, digits with or without a point, exponent. It is the float64 that
 * is nearest to the text, like `Number(text)`, without making a string of it: up to 2^53 and with a power of ten up to
 * 22 both are exact, so that one multiplication or division rounds once. Others of 18 digits take two float64, and what
 * is left goes the slow way.
 * @returns NaN when the bytes are no such number; ±Infinity when it is too large
 * @see Clinger, "How to read floating point numbers accurately" (1990), section 3
 */
export function parseNumber(bytes: Buffer, start: number, end: number): number {
  let at = start
  const sign = bytes[at]
  if (sign === MINUS || sign === PLUS) at++
  let mantissa = 0
  const first = at
  let digits = 0
  let power = 0
  let byte = 0
  for (; at < end; at++) {
    byte = (bytes[at] ?? 0) - ZERO
    if (byte < 0 || byte > 9) break
    mantissa = mantissa * 10 + byte
    digits++
  }
  if (at < end && bytes[at] === POINT) {
    const point = ++at
    for (; at < end; at++) {
      byte = (bytes[at] ?? 0) - ZERO
      if (byte < 0 || byte > 9) break
      mantissa = mantissa * 10 + byte
    }
    power = point - at
    digits -= power
  }
  if (digits === 0) return Number.NaN
  const last = at
  if (at < end) {
    if (((bytes[at] ?? 0) | 0x20) !== 0x65) return Number.NaN
    const exponent = parseExponent(bytes, at + 1, end)
    if (Number.isNaN(exponent)) return Number.NaN
    power += exponent
  }
  // A mantissa that passed 2^53 never comes back below it, so the last one tells of all.
  if (mantissa > EXACT_MAX || power < -22 || power > 22) {
    const number = power > 0 ? Number.NaN : parseLongNumber(bytes, first, last, -power)
    if (Number.isNaN(number)) return Number(bytes.toString('latin1', start, end))
    return sign === MINUS ? -number : number
  }
  const number =
    power === 0 ? mantissa : power < 0 ? mantissa / (POWERS[-power] ?? 1) : mantissa * (POWERS[power] ?? 1)
  return sign === MINUS ? -number : number
}

/** @returns NaN when there are no digits, or anything else */
function parseExponent(bytes: Buffer, start: number, end: number): number {
  let at = start
  const sign = bytes[at]
  if (sign === MINUS || sign === PLUS) at++
  if (at >= end) return Number.NaN
  let exponent = 0
  for (; at < end; at++) {
    const digit = (bytes[at] ?? 0) - ZERO
    if (digit < 0 || digit > 9) return Number.NaN
    exponent = Math.min(exponent * 10 + digit, 100_000) // beyond every float64 either way
  }
  return sign === MINUS ? -exponent : exponent
}
