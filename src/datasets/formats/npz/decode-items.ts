import { AppError } from '../../../errors.ts'
import type { NpyDtype } from './dtype.ts'

/** Numbers of an array: those of float32 as they are, others in doubles, which hold them all. */
export type Numbers = Float32Array | Float64Array

/**
 * Items as numbers; truth values are 0 and 1.
 * @param items - whole items; they are not changed
 * @param wrongAt - is told the index of the first integer beyond 2^53, which no double holds exactly
 */
export function decodeNumbers(items: Buffer, dtype: NpyDtype, wrongAt: (index: number) => never): Numbers {
  const own = Buffer.from(new Uint8Array(items).buffer) // aligned, and ours
  const { bytes, kind } = dtype
  if (dtype.isBigEndian) swap(own, bytes) // platforms that Node runs on are little-endian
  const { buffer } = own
  switch (kind) {
    case 'bool':
      return new Float64Array(own.map(value => (value === 0 ? 0 : 1)))
    case 'integer':
      if (bytes === 8) return decodeLong(new Int32Array(buffer), new Uint32Array(buffer), wrongAt)
      return new Float64Array(new { 1: Int8Array, 2: Int16Array, 4: Int32Array }[bytes as 1 | 2 | 4](buffer))
    case 'unsigned':
      if (bytes === 8) return decodeLong(new Uint32Array(buffer), new Uint32Array(buffer), wrongAt)
      return new Float64Array(
        new { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[bytes as 1 | 2 | 4](buffer),
      )
    case 'float':
      if (bytes === 8) return new Float64Array(buffer)
      return bytes === 4 ? new Float32Array(buffer) : Float64Array.from(new Uint16Array(buffer), decodeHalf)
    case 'bytes':
    case 'text':
      throw new AppError('DATASET_INVALID', `items must be numbers; received texts (${dtype.name})`)
  }
}

/** The same numbers as doubles. */
export function toDoubles(numbers: Numbers): Float64Array {
  return numbers instanceof Float64Array ? numbers : new Float64Array(numbers)
}

/** The index of the first number that is NaN or infinite; -1 when there is none. */
export function findInfinite(numbers: Numbers): number {
  for (let index = 0; index < numbers.length; index++) {
    if (!Number.isFinite(numbers[index])) return index
  }
  return -1
}

function swap(items: Buffer, bytes: number): void {
  if (bytes === 2) items.swap16()
  if (bytes === 4) items.swap32()
  if (bytes === 8) items.swap64()
}

/** Integers of 64 bits by their halves, little-endian. */
function decodeLong(
  highs: Int32Array | Uint32Array,
  lows: Uint32Array,
  wrongAt: (index: number) => never,
): Float64Array {
  const numbers = new Float64Array(lows.length / 2)
  for (let index = 0; index < numbers.length; index++) {
    const number = (highs[2 * index + 1] ?? 0) * 2 ** 32 + (lows[2 * index] ?? 0)
    if (!Number.isSafeInteger(number)) wrongAt(index)
    numbers[index] = number
  }
  return numbers
}

/** @see IEEE 754-2019, section 3.4: binary16 */
function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1_024) * 2 ** (exponent - 15)
}

/**
 * Items as texts, without the NULs that fill them up: code points of 32 bits, or bytes of UTF-8.
 * @throws {AppError} DATASET_INVALID when they are no text
 */
export function decodeTexts(items: Buffer, { kind, bytes, isBigEndian }: NpyDtype): string[] {
  return Array.from({ length: items.length / bytes }, (_, index) => {
    const item = items.subarray(index * bytes, (index + 1) * bytes)
    if (kind === 'bytes') return trimEnd(item.toString('utf8'))
    const points = Array.from({ length: bytes / 4 }, (_, at) =>
      isBigEndian ? item.readUInt32BE(4 * at) : item.readUInt32LE(4 * at),
    )
    const wrong = points.find(point => point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
    if (wrong !== undefined) {
      throw new AppError('DATASET_INVALID', `texts must be Unicode; received the code point ${wrong}`)
    }
    return trimEnd(String.fromCodePoint(...points))
  })
}

function trimEnd(text: string): string {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) === 0) end--
  return text.slice(0, end)
}
