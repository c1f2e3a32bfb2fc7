import { roomForFloats } from './room-for-floats.ts'

/** Reads the instances of a JSON text one by one. */
export interface InstancesParser {
  /**
   * Reads the next instance.
   * @returns 'unknown' for anything out of the ordinary, right or wrong: the text must then be parsed by JSON.parse
   */
  next(): 'row' | 'end' | 'unknown'
  /** How many were read. */
  count(): number
  /** `[count, units]`, row by row: each the float32 that is nearest to what JSON.parse would give. */
  features(): Float32Array
}

/** What the text begins with, with or without space between. */
const HEAD = ['{', '"instances"', ':', '['].map(word => Buffer.from(word))

const MINUS = 45
const PLUS = 43
const POINT = 46
const COMMA = 44
const OPEN = 91
const CLOSE = 93
const BRACE = 125
const ZERO = 48
const EXPONENT = 101
/** The bit that makes E an e. */
const LOWER_CASE = 32

/** Instead of a place in the text: it must be parsed by JSON.parse. */
const UNKNOWN = -(2 ** 30)

/** Digits that surely fit into a double without rounding. */
const DIGITS_MAX = 15
/** The largest power of ten that is a double without rounding. */
const EXACT_POWER = 22
const POWERS = Float64Array.from({ length: EXACT_POWER + 1 }, (_, power) => 10 ** power)

/** More than what may be lost by leaving digits out and by one multiplication, 10⁻¹⁴ and 2⁻⁵³, as a factor. */
const DOUBT = 2 ** -45

/**
 * A parser of `{"instances": [[…], …]}` whose instances are numbers in any nesting. It goes straight from bytes to
 * float32, which takes less time than JSON.parse and can be interrupted after each instance.
 * @param units - numbers of an instance
 * @param depthMax - how deep its lists may be nested
 * @param countMax - instances at most
 * @returns null when the text begins otherwise
 * @see Clinger (1990), "How to read floating point numbers accurately": small integers times small powers of ten are
 *   exact; here they only have to decide a float32, and what they leave open is read by `Number`
 */
export function createInstancesParser(
  text: Buffer,
  units: number,
  { depthMax, countMax }: { depthMax: number; countMax: number },
): InstancesParser | null {
  let at = skipHead(text)
  if (at === UNKNOWN) return null
  const rowsMax = Math.min(countMax, Math.floor(text.length / (2 * units)) + 1) // a number and its comma take two bytes
  const features = roomForFloats(rowsMax * units)
  let count = 0
  return {
    count: () => count,
    features: () => features.subarray(0, count * units),
    next() {
      at = skipSpace(text, at)
      if (text[at] === CLOSE) return count > 0 && isTail(text, at + 1) ? 'end' : 'unknown'
      if (count > 0 && text[at] !== COMMA) return 'unknown'
      if (count > 0) at = skipSpace(text, at + 1)
      if (count === rowsMax || text[at] !== OPEN) return 'unknown'
      const end = readInstance(text, at, features, count * units, units, depthMax)
      if (end === UNKNOWN) return 'unknown'
      at = end
      count++
      return 'row'
    },
  }
}

/**
 * Reads an instance, from its first bracket, to `features[first]` and what follows. All that changes is local, so that it
 * stays in registers: this loop is most of what a prediction of a few numbers costs.
 * @returns where it ends, or `UNKNOWN`
 */
function readInstance(
  text: Buffer,
  from: number,
  features: Float32Array,
  first: number,
  units: number,
  depthMax: number,
): number {
  const end = first + units
  let at = from + 1
  let index = first
  let depth = 1
  let isBehindComma = true
  for (;;) {
    const byte = byteAt(text, at)
    if (isBehindComma && byte === ZERO && index < end && text[at + 1] === COMMA) {
      features[index++] = 0 // most of what stands in a picture of strokes
      at += 2
    } else if (isSpace(byte)) at++
    else if (isBehindComma) {
      if (byte === OPEN) {
        at++
        if (++depth > depthMax) return UNKNOWN
        continue
      }
      if (index === end) return UNKNOWN
      at = readSmallInteger(text, at, features, index)
      if (at < 0) at = readNumber(text, ~at, features, index)
      if (at === UNKNOWN) return UNKNOWN
      index++
      isBehindComma = false
    } else if (byte === COMMA) {
      at++
      isBehindComma = true
    } else if (byte === CLOSE) {
      at++
      if (--depth === 0) return index === end ? at : UNKNOWN
    } else return UNKNOWN
  }
}

/** Reads up to seven digits before a comma or a bracket. @returns where they end; `~from` when it is anything else */
function readSmallInteger(text: Buffer, from: number, features: Float32Array, index: number): number {
  let at = from
  let number = 0
  let digit = byteAt(text, at) - ZERO
  while (digit >= 0 && digit <= 9 && at - from < 7) {
    number = number * 10 + digit
    digit = byteAt(text, ++at) - ZERO
  }
  const isPlain = at - from === 1 || (at > from && byteAt(text, from) !== ZERO)
  if (!isPlain || (digit !== COMMA - ZERO && digit !== CLOSE - ZERO)) return ~from
  features[index] = number
  return at
}

/** Reads any number that JSON knows. @returns where it ends; `UNKNOWN` when it is none, or not finite */
function readNumber(text: Buffer, from: number, features: Float32Array, index: number): number {
  const isNegative = byteAt(text, from) === MINUS
  const first = isNegative ? from + 1 : from
  let at = first
  let mantissa = 0
  let digits = 0
  let exponent = 0
  for (let digit = byteAt(text, at) - ZERO; digit >= 0 && digit <= 9; digit = byteAt(text, ++at) - ZERO) {
    if (digits < DIGITS_MAX) mantissa = mantissa * 10 + digit
    else exponent++
    if (mantissa > 0) digits++
  }
  if (at === first || (at > first + 1 && byteAt(text, first) === ZERO)) return UNKNOWN
  if (byteAt(text, at) === POINT) {
    const start = ++at
    for (let digit = byteAt(text, at) - ZERO; digit >= 0 && digit <= 9; digit = byteAt(text, ++at) - ZERO) {
      if (digits < DIGITS_MAX) {
        mantissa = mantissa * 10 + digit
        exponent--
        if (mantissa > 0) digits++
      }
    }
    if (at === start) return UNKNOWN
  }
  if ((byteAt(text, at) | LOWER_CASE) === EXPONENT) {
    const sign = byteAt(text, ++at) === MINUS ? -1 : 1
    if (sign === -1 || byteAt(text, at) === PLUS) at++
    const start = at
    let power = 0
    for (let digit = byteAt(text, at) - ZERO; digit >= 0 && digit <= 9; digit = byteAt(text, ++at) - ZERO) {
      power = Math.min(power * 10 + digit, 10_000)
    }
    if (at === start) return UNKNOWN
    exponent += sign * power
  }
  const number = toFloat32(text, first, at, mantissa, exponent)
  features[index] = isNegative ? -number : number
  return Number.isFinite(number) ? at : UNKNOWN
}

/** @returns where the first instance may begin, or `UNKNOWN` */
function skipHead(text: Buffer): number {
  let at = 0
  for (const word of HEAD) {
    at = skipSpace(text, at)
    for (let index = 0; index < word.length; index++) {
      if (text[at++] !== word[index]) return UNKNOWN
    }
  }
  return at
}

/** Whether nothing follows but the end of the object. */
function isTail(text: Buffer, from: number): boolean {
  const at = skipSpace(text, from)
  return text[at] === BRACE && skipSpace(text, at + 1) === text.length
}

/** @returns not a byte beyond the end */
function byteAt(text: Buffer, at: number): number {
  return text[at] ?? -1
}

function skipSpace(text: Buffer, from: number): number {
  let at = from
  while (isSpace(byteAt(text, at))) at++
  return at
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9
}

/** The float32 nearest to the double nearest to mantissa · 10^exponent, without its sign. */
function toFloat32(text: Buffer, from: number, to: number, mantissa: number, exponent: number): number {
  if (exponent === 0 && mantissa < 2 ** 24) return mantissa
  if (Math.abs(exponent) <= EXACT_POWER) {
    const power = POWERS[Math.abs(exponent)] ?? Number.NaN
    const about = exponent < 0 ? mantissa / power : mantissa * power
    const low = Math.fround(about * (1 - DOUBT))
    if (low === Math.fround(about * (1 + DOUBT))) return low
  }
  return Math.fround(Number(text.toString('latin1', from, to)))
}
