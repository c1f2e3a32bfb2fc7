import { invalidParquet } from './file.ts'
import type { ParquetColumn } from './meaning.ts'

/** The day 1970-01-01 as INT96 counts days. */
const JULIAN_1970 = 2_440_588
const DAY_MS = 86_400_000
const LOW = 2 ** 32

/**
 * The numbers of values of a fixed width: dates in milliseconds since 1970, decimals as the float64 that is nearest.
 * @param into - gets them from its start
 * @throws {AppError} DATASET_INVALID when the bytes are fewer
 */
export function readFixedValues(
  bytes: Buffer,
  start: number,
  count: number,
  { layout, width, scale }: ParquetColumn,
  into: Float64Array,
): void {
  if (start + count * width > bytes.length) throw invalidParquet('has a page that ends within its values')
  const { buffer, offset } = align(bytes, start, count * width)
  const words = new Int32Array(buffer, offset, Math.floor((count * width) / 4))
  switch (layout) {
    case 'double':
      return into.set(new Float64Array(buffer, offset, count))
    case 'float':
      return into.set(new Float32Array(buffer, offset, count))
    case 'int32':
      return into.set(new Int32Array(buffer, offset, count))
    case 'uint32':
      return into.set(new Uint32Array(buffer, offset, count))
    case 'int64':
      return map64(words, into, (high, low) => high * LOW + low)
    case 'uint64':
      return map64(words, into, (high, low) => (high >>> 0) * LOW + low)
    case 'days':
      new Int32Array(buffer, offset, count).forEach((days, at) => {
        into[at] = days * DAY_MS
      })
      return
    case 'milliseconds':
      return map64(words, into, (high, low) => high * LOW + low)
    case 'microseconds':
      return map64(words, into, (high, low) => Math.floor((high * LOW + low) / 1_000))
    case 'nanoseconds':
      // In two parts, for all of it does not fit a float64: 2^32 = 4294 · 10^6 + 967296.
      return map64(words, into, (high, low) => high * 4_294 + Math.floor((high * 967_296 + low) / 1e6))
    case 'int96':
      return readInt96(words, count, into)
    case 'float16':
      new Uint16Array(buffer, offset, count).forEach((half, at) => {
        into[at] = fromHalf(half)
      })
      return
    case 'decimal32':
    case 'decimal64':
    case 'decimalBytes':
      return readDecimals(new DataView(buffer, offset), layout, count, width, scale, into)
    default:
      throw invalidParquet(`has values of the layout ${layout} where numbers must be`)
  }
}

/** A copy where they do not begin at a multiple of eight, as an array of float64 must. */
function align(bytes: Buffer, start: number, length: number): { buffer: ArrayBufferLike; offset: number } {
  const offset = bytes.byteOffset + start
  if (offset % 8 === 0) return { buffer: bytes.buffer, offset }
  return { buffer: new Uint8Array(bytes.subarray(start, start + length)).buffer, offset: 0 }
}

/** Sums of two exact parts, so that they are rounded once. */
function map64(words: Int32Array, into: Float64Array, toNumber: (high: number, low: number) => number): void {
  for (let at = 0; at < words.length; at += 2) {
    into[at / 2] = toNumber(words[at + 1] ?? 0, (words[at] ?? 0) >>> 0)
  }
}

/** Nanoseconds of the day, 64 bits, then the Julian day, 32 bits. */
function readInt96(words: Int32Array, count: number, into: Float64Array): void {
  for (let at = 0; at < count; at++) {
    const [low, high, day] = [words[3 * at] ?? 0, words[3 * at + 1] ?? 0, words[3 * at + 2] ?? 0]
    into[at] = (day - JULIAN_1970) * DAY_MS + Math.floor((high * LOW + (low >>> 0)) / 1e6)
  }
}

/** @see IEEE 754, binary16 */
function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (1 + fraction / 1_024) * 2 ** (exponent - 15)
}

/** Whole numbers divided by a power of ten: one rounding when both are exact, else that of their text. */
function readDecimals(
  view: DataView,
  layout: 'decimal32' | 'decimal64' | 'decimalBytes',
  count: number,
  width: number,
  scale: number,
  into: Float64Array,
): void {
  for (let at = 0; at < count; at++) {
    const unscaled = UNSCALED[layout](view, at * width, width)
    const number = Number(unscaled)
    const isExact = Number.isSafeInteger(number) && scale >= 0 && scale <= 22
    into[at] = isExact ? number / 10 ** scale : Number(`${unscaled}e${-scale}`)
  }
}

const UNSCALED = {
  decimal32: (view: DataView, start: number) => view.getInt32(start, true),
  decimal64: (view: DataView, start: number) => view.getBigInt64(start, true),
  /** Two's complement, the highest byte first. */
  decimalBytes(view: DataView, start: number, width: number): bigint {
    let value = BigInt(view.getInt8(start))
    for (let byte = 1; byte < width; byte++) value = value * 256n + BigInt(view.getUint8(start + byte))
    return value
  },
} as const
