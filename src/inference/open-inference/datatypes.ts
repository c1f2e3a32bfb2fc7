import { fieldError } from '../../errors.ts'
import type { Numbers } from '../named-inputs/named-input.ts'
import type { Work } from '../turns.ts'

/** Numbers between two looks at the clock: some 50 µs of work. */
const NUMBERS_AT_ONCE = 16_384

/** How numbers of a datatype stand in binary data, and what JSON may hold of them. */
interface NumberType {
  bytes: number
  /** The least and the greatest whole number; null where there are fractions. */
  range: readonly [number, number] | null
  /** Little-endian, as the platforms are that Node runs on. */
  viewOf: (...place: Place) => Numbers
}

/** Numbers in memory; the length is theirs, not that of bytes. */
type Place = [buffer: ArrayBuffer, offset: number, length: number]

/**
 * The datatypes of numbers that are taken. FP16 and BF16 are not: no array of JavaScript holds them.
 * @see https://github.com/kserve/open-inference-protocol, "Tensor data types"
 */
const NUMBER_TYPES = {
  BOOL: { bytes: 1, range: [0, 1], viewOf: (...place) => new Uint8Array(...place) },
  UINT8: { bytes: 1, range: [0, 2 ** 8 - 1], viewOf: (...place) => new Uint8Array(...place) },
  UINT16: { bytes: 2, range: [0, 2 ** 16 - 1], viewOf: (...place) => new Uint16Array(...place) },
  UINT32: { bytes: 4, range: [0, 2 ** 32 - 1], viewOf: (...place) => new Uint32Array(...place) },
  UINT64: { bytes: 8, range: [0, 2 ** 64], viewOf: (...place) => new BigUint64Array(...place) },
  INT8: { bytes: 1, range: [-(2 ** 7), 2 ** 7 - 1], viewOf: (...place) => new Int8Array(...place) },
  INT16: { bytes: 2, range: [-(2 ** 15), 2 ** 15 - 1], viewOf: (...place) => new Int16Array(...place) },
  INT32: { bytes: 4, range: [-(2 ** 31), 2 ** 31 - 1], viewOf: (...place) => new Int32Array(...place) },
  INT64: { bytes: 8, range: [-(2 ** 63), 2 ** 63], viewOf: (...place) => new BigInt64Array(...place) },
  FP32: { bytes: 4, range: null, viewOf: (...place) => new Float32Array(...place) },
  FP64: { bytes: 8, range: null, viewOf: (...place) => new Float64Array(...place) },
} as const satisfies Record<string, NumberType>

/** A datatype of numbers. */
export type NumberDatatype = keyof typeof NUMBER_TYPES

/** A datatype that is taken: numbers, or texts and files. */
export type Datatype = NumberDatatype | 'BYTES'

/** All of them. */
export const DATATYPES: readonly Datatype[] = [...(Object.keys(NUMBER_TYPES) as NumberDatatype[]), 'BYTES']

/** Whether the name is one of a datatype that is taken. */
export function isDatatype(name: string): name is Datatype {
  return (DATATYPES as readonly string[]).includes(name)
}

/**
 * The numbers of binary data, without a copy where their place in memory allows it.
 * @throws {AppError} INPUT_INVALID when the data is no multiple of the datatype's size
 */
export function readNumbers(datatype: NumberDatatype, data: Buffer, pointer: string): Numbers {
  const { bytes, viewOf } = NUMBER_TYPES[datatype]
  if (data.length % bytes !== 0) {
    const detail = `the data must have ${bytes} bytes for each number of ${datatype}; received ${data.length} bytes`
    throw fieldError('INPUT_INVALID', pointer, detail)
  }
  const { buffer, byteOffset, length } = data
  const isAligned = byteOffset % bytes === 0 && buffer instanceof ArrayBuffer
  return isAligned ? viewOf(buffer, byteOffset, length / bytes) : viewOf(copyOf(data), 0, length / bytes)
}

/** Memory of its own, aligned for any type. */
function copyOf(data: Buffer): ArrayBuffer {
  const copy = new Uint8Array(data.length)
  copy.set(data)
  return copy.buffer
}

/**
 * Checks that numbers from JSON are of a datatype.
 * @throws {AppError} INPUT_INVALID
 */
export async function assertDatatype(
  datatype: NumberDatatype,
  numbers: Float64Array,
  pointer: string,
  work: Work,
): Promise<void> {
  const { range } = NUMBER_TYPES[datatype]
  if (!range) return
  const [least, greatest] = range
  for (let at = 0; at < numbers.length; at++) {
    if (at % NUMBERS_AT_ONCE === 0 && work.isOver()) await work.next()
    const number = numbers[at] ?? 0
    if (Number.isInteger(number) && number >= least && number <= greatest) continue
    const detail = `numbers of ${datatype} must be whole, from ${least} to ${greatest}; number ${at} is ${number}`
    throw fieldError('INPUT_INVALID', pointer, detail)
  }
}

/**
 * The elements of binary data of BYTES: before each its length in four bytes.
 * @throws {AppError} INPUT_INVALID when the data ends within an element
 */
export function readElements(data: Buffer, pointer: string): Buffer[] {
  const elements: Buffer[] = []
  for (let at = 0; at < data.length; ) {
    const start = at + 4
    const end = start <= data.length ? start + data.readUInt32LE(at) : Number.POSITIVE_INFINITY
    if (end > data.length) {
      const detail = `each element must be whole; the data ends within element ${elements.length}`
      throw fieldError('INPUT_INVALID', pointer, detail)
    }
    elements.push(data.subarray(start, end))
    at = end
  }
  return elements
}
