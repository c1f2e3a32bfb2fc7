import { AppError } from '../errors.ts'
import type { Work } from './turns.ts'

/** Types of numbers in raw tensors, little-endian as all platforms that Node runs on; whole ones are always finite. */
const DTYPES = {
  float32: { bytes: 4, isWhole: false, viewOf: (bytes: ArrayBuffer) => new Float32Array(bytes) },
  float64: { bytes: 8, isWhole: false, viewOf: (bytes: ArrayBuffer) => new Float64Array(bytes) },
  uint8: { bytes: 1, isWhole: true, viewOf: (bytes: ArrayBuffer) => new Uint8Array(bytes) },
  int32: { bytes: 4, isWhole: true, viewOf: (bytes: ArrayBuffer) => new Int32Array(bytes) },
} as const

/** Numbers between two looks at the clock: some 50 µs of work. */
const NUMBERS_AT_ONCE = 16_384

/** The type of the numbers of a raw tensor. */
export type TensorDtype = keyof typeof DTYPES

/** Numbers as they were posted. */
export interface Tensor {
  dtype: TensorDtype
  /** Null: as many examples as there are. */
  shape: readonly number[] | null
  /** Row by row, little-endian. */
  data: Buffer
}

/** The names of NumPy's types. @see https://numpy.org/doc/stable/reference/arrays.interface.html */
const NUMPY_DTYPES: Record<string, TensorDtype> = {
  '<f4': 'float32',
  '<f8': 'float64',
  '|u1': 'uint8',
  '<i4': 'int32',
}

const NPY_SIGNATURE = Buffer.from('\x93NUMPY', 'latin1')

/**
 * What the parameters of `application/octet-stream; dtype=float32; shape="64,784"` say of the body.
 * @returns null without dtype: the body is an image then
 * @throws {AppError} UNSUPPORTED_MEDIA_TYPE for a type that is not read, or a shape that is none
 * @see RFC 9110, section 5.6.6: parameters
 */
export function readTensorType(contentType: string): Omit<Tensor, 'data'> | null {
  const dtype = readParameter(contentType, 'dtype')
  const shape = readParameter(contentType, 'shape')
  if (dtype === null) return null
  if (!isDtype(dtype)) {
    throw unsupported(`dtype must be one of ${Object.keys(DTYPES).join(', ')}; received ${dtype}`)
  }
  if (shape === null) return { dtype, shape }
  if (!/^\d{1,9}(,\d{1,9}){0,7}$/.test(shape)) {
    throw unsupported(`shape must be whole numbers with commas between them, as "64,784"; received ${shape}`)
  }
  return { dtype, shape: shape.split(',').map(Number) }
}

/**
 * Reads a NumPy file.
 * @throws {AppError} INPUT_INVALID when it is none, or of another type, or in Fortran's order
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function parseNpy(content: Buffer): Tensor {
  if (!content.subarray(0, NPY_SIGNATURE.length).equals(NPY_SIGNATURE) || content.length < 12) {
    throw invalid('an NPY file must begin with \\x93NUMPY and a whole header')
  }
  const isShort = content.readUInt8(6) === 1
  const start = isShort ? 10 : 12
  const end = start + (isShort ? content.readUInt16LE(8) : content.readUInt32LE(8))
  const header = content.toString('latin1', start, Math.min(end, start + 4_096))
  const [, descr = 'none'] = /'descr':\s*'([^']{1,16})'/.exec(header) ?? []
  const [, shape] = /'shape':\s*\(([\d\s,]{0,200})\)/.exec(header) ?? []
  const dtype = NUMPY_DTYPES[descr]
  if (!dtype) throw invalid(`the numbers must be <f4, <f8, |u1 or <i4; received ${descr}`)
  if (!/'fortran_order':\s*False/.test(header)) throw invalid('the numbers must be in C order')
  if (shape === undefined) throw invalid('the header must have a shape')
  const dimensions = shape.split(',').flatMap(text => (text.trim() === '' ? [] : [Number(text)]))
  return { dtype, shape: dimensions, data: content.subarray(end) }
}

/**
 * A tensor's numbers as rows, piece by piece, with turns for other requests in between: as float32, bytes as they came.
 * @param shape - of one example
 * @param countMax - examples at most
 * @throws {AppError} INPUT_INVALID when its shape does not fit, or a number is not finite, and of `Work.next`
 */
export async function toFeatures(
  tensor: Tensor,
  shape: readonly number[],
  countMax: number,
  work: Work,
): Promise<Float32Array | Uint8Array> {
  const { dtype, data } = tensor
  const { bytes, isWhole, viewOf } = DTYPES[dtype]
  const units = shape.reduce((product, length) => product * length, 1)
  const numbers = data.length / bytes
  const wanted = `[count, ${shape.join(', ')}] or [count, ${units}], count 1 to ${countMax}`
  const received = tensor.shape ? `[${tensor.shape.join(', ')}]` : 'none'
  if (
    numbers % units !== 0 ||
    numbers === 0 ||
    numbers > countMax * units ||
    !isFitting(tensor, shape, units, numbers)
  ) {
    throw invalid(`the shape must be ${wanted}; received ${received} with ${data.length} bytes of ${dtype}`)
  }
  if (dtype === 'uint8') return new Uint8Array(data.buffer, data.byteOffset, numbers)
  const features = new Float32Array(numbers)
  for (let from = 0; from < numbers; from += NUMBERS_AT_ONCE) {
    if (work.isOver()) await work.next()
    const end = Math.min(numbers, from + NUMBERS_AT_ONCE)
    features.set(viewOf(copyBytes(data, from * bytes, end * bytes)), from)
    const wrong = isWhole ? -1 : findInfinite(features, from, end)
    if (wrong !== -1) {
      const row = Math.floor(wrong / units)
      throw invalid(`numbers must be finite in float32; number ${wrong % units} of example ${row} is not`)
    }
  }
  return features
}

/** Memory of its own, aligned for any type. */
function copyBytes(data: Buffer, from: number, to: number): ArrayBuffer {
  const copy = new Uint8Array(to - from)
  copy.set(data.subarray(from, to))
  return copy.buffer
}

/** @returns -1 when all are finite */
function findInfinite(numbers: Float32Array, from: number, to: number): number {
  for (let index = from; index < to; index++) if (!Number.isFinite(numbers[index])) return index
  return -1
}

/** One example may come without the first dimension, and any in one row. */
function isFitting({ shape }: Tensor, example: readonly number[], units: number, numbers: number): boolean {
  if (shape === null) return true
  const text = shape.join()
  const count = numbers / units
  return [[count, ...example], [count, units], count === 1 ? example : [], count === 1 ? [units] : []].some(
    fitting => fitting.join() === text,
  )
}

function readParameter(contentType: string, name: string): string | null {
  const match = new RegExp(`;\\s*${name}\\s*=\\s*(?:"([^"]*)"|([^;\\s]*))`, 'i').exec(contentType)
  return match?.[1] ?? match?.[2] ?? null
}

function isDtype(name: string): name is TensorDtype {
  return Object.hasOwn(DTYPES, name)
}

function invalid(detail: string): AppError {
  return new AppError('INPUT_INVALID', detail, { errors: [{ pointer: '', detail }] })
}

function unsupported(detail: string): AppError {
  return new AppError('UNSUPPORTED_MEDIA_TYPE', detail, { errors: [{ parameter: 'content-type', detail }] })
}
