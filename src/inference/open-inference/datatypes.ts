import { fieldError } from '../../errors.ts'

/** How numbers of a datatype stand in binary data, and what JSON may hold of them. */
interface NumberType {
  bytes: number
  /** The least and the greatest whole number; null where there are fractions. */
  range: readonly [number, number] | null
  /** @param data - little-endian, as the platforms are that Node runs on */
  read(data: Buffer): Float32Array | Float64Array
}

/**
 * The datatypes of numbers that are taken. FP16 and BF16 are not: no array of JavaScript holds them.
 * @see https://github.com/kserve/open-inference-protocol, "Tensor data types"
 */
const NUMBER_TYPES = {
  BOOL: { bytes: 1, range: [0, 1], read: data => new Float32Array(data) },
  UINT8: { bytes: 1, range: [0, 255], read: data => new Float32Array(data) },
  UINT16: wholes(2, false, (...place) => new Uint16Array(...place)),
  UINT32: wholes(4, false, (...place) => new Uint32Array(...place)),
  UINT64: wholes(8, false, (...place) => Float64Array.from(new BigUint64Array(...place), Number)),
  INT8: wholes(1, true, (...place) => new Int8Array(...place)),
  INT16: wholes(2, true, (...place) => new Int16Array(...place)),
  INT32: wholes(4, true, (...place) => new Int32Array(...place)),
  INT64: wholes(8, true, (...place) => Float64Array.from(new BigInt64Array(...place), Number)),
  FP32: { bytes: 4, range: null, read: data => new Float32Array(...placeOf(data, 4)) },
  FP64: { bytes: 8, range: null, read: data => new Float64Array(...placeOf(data, 8)) },
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
 * The numbers of binary data; those of FP32 and FP64 are not copied where their place in memory allows it.
 * @throws {AppError} INPUT_INVALID when the data is no multiple of the datatype's size
 */
export function readNumbers(
  datatype: NumberDatatype,
  data: Buffer,
  pointer: string,
): Float32Array | Float64Array {
  const { bytes, read, range } = NUMBER_TYPES[datatype] as NumberType
  if (data.length % bytes !== 0) {
    const detail = `the data must have ${bytes} bytes for each number of ${datatype}; received ${data.length} bytes`
    throw fieldError('INPUT_INVALID', pointer, detail)
  }
  const numbers = read(data)
  if (datatype === 'BOOL') assertRange(datatype, range, numbers, pointer)
  return numbers
}

/**
 * Checks that numbers from JSON are of a datatype.
 * @throws {AppError} INPUT_INVALID
 */
export function assertDatatype(datatype: NumberDatatype, numbers: Float64Array, pointer: string): void {
  assertRange(datatype, NUMBER_TYPES[datatype].range, numbers, pointer)
}

function assertRange(
  datatype: NumberDatatype,
  range: NumberType['range'],
  numbers: Float32Array | Float64Array,
  pointer: string,
): void {
  if (!range) return
  const [least, greatest] = range
  for (let at = 0; at < numbers.length; at++) {
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

type Place = [buffer: ArrayBuffer, offset: number, length: number]

function wholes(bytes: number, isSigned: boolean, view: (...place: Place) => ArrayLike<number>): NumberType {
  const bits = 8 * bytes
  const range = isSigned
    ? ([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] as const)
    : ([0, 2 ** bits - 1] as const)
  return { bytes, range, read: data => new Float64Array(view(...placeOf(data, bytes))) }
}

/** Where numbers are in memory; they are copied when they do not lie as their type wants it. */
function placeOf(data: Buffer, bytes: number): Place {
  const isAligned = data.byteOffset % bytes === 0 && data.buffer instanceof ArrayBuffer
  if (isAligned) return [data.buffer as ArrayBuffer, data.byteOffset, data.length / bytes]
  return [new Uint8Array(data).buffer, 0, data.length / bytes]
}
