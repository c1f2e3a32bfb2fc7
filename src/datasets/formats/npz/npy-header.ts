import { AppError } from '../../../errors.ts'
import { quote } from '../../tables/place.ts'
import { type NpyDtype, parseDtype } from './dtype.ts'

/** What the head of an NPY file says. */
export interface NpyHeader {
  dtype: NpyDtype
  /** Length along each axis; of a single item none. */
  shape: number[]
  /** The first axis changes quickest, not the last. */
  isFortran: boolean
}

/** As NumPy's own limit. */
const HEADER_BYTES_MAX = 10_000

/** Bytes that hold every head. */
export const NPY_HEAD_BYTES = 12 + HEADER_BYTES_MAX

const SIGNATURE = Buffer.from('\x93NUMPY', 'latin1')
const AXES_MAX = 8

/** One field of the dictionary, with the comma or the brace behind it. */
const FIELD = /\s*'(\w{1,20})'\s*:\s*(?:'([^']{0,100})'|(True|False)|\(([\dL,\s]*)\))\s*([,}])/y

/**
 * Reads the head of an NPY file.
 * @param head - the first `NPY_HEAD_BYTES` of the file, or all of it
 * @returns the header, and where the items begin
 * @throws {AppError} DATASET_INVALID
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, versions 1.0 to 3.0
 */
export function parseNpyHeader(head: Buffer): { header: NpyHeader; headBytes: number } {
  if (!head.subarray(0, SIGNATURE.length).equals(SIGNATURE)) {
    throw invalid(`an NPY file must begin with \\x93NUMPY; received 0x${head.toString('hex', 0, 6)}`)
  }
  const version = head[SIGNATURE.length]
  if (version !== undefined && (version < 1 || version > 3)) {
    throw invalid(`NPY versions must be 1 to 3; received ${version}`)
  }
  const start = version === 1 ? 10 : 12
  if (head.length < start)
    throw invalid(`an NPY file must have a whole header; received ${head.length} bytes`)
  const length = version === 1 ? head.readUInt16LE(8) : head.readUInt32LE(8)
  if (length > HEADER_BYTES_MAX) {
    throw invalid(`an NPY header may have ${HEADER_BYTES_MAX} bytes; received ${length}`)
  }
  const text = head.toString('utf8', start, start + length)
  if (head.length < start + length) throw invalid('an NPY file must have a whole header; it is truncated')
  return { header: parseDictionary(text), headBytes: start + length }
}

function parseDictionary(text: string): NpyHeader {
  const fields = new Map<string, string>()
  const open = text.indexOf('{')
  FIELD.lastIndex = open + 1
  let closing = open === 0 ? '' : '}'
  while (closing !== '}' && !/^\s*\}/.test(text.slice(FIELD.lastIndex, FIELD.lastIndex + 20))) {
    const field = FIELD.exec(text)
    if (field === null) throw malformed(text)
    const [, name = '', quoted, truth, tuple, end = ''] = field
    fields.set(name, quoted ?? truth ?? tuple ?? '')
    closing = end
  }
  const [descr, order, shape] = ['descr', 'fortran_order', 'shape'].map(name => fields.get(name))
  if (fields.size !== 3 || descr === undefined || order === undefined || shape === undefined) {
    throw malformed(text)
  }
  return { dtype: parseDtype(descr), shape: parseShape(shape), isFortran: order === 'True' }
}

function parseShape(text: string): number[] {
  const lengths = text.split(',').map(length => length.trim())
  if (lengths.at(-1) === '') lengths.pop()
  if (lengths.length > AXES_MAX) {
    throw invalid(`an array may have ${AXES_MAX} axes; received ${lengths.length}`)
  }
  if (!lengths.every(length => /^\d{1,15}L?$/.test(length))) {
    throw invalid(`a shape must be whole numbers below 10^15; received (${text.slice(0, 60)})`)
  }
  const shape = lengths.map(length => Number.parseInt(length, 10)) // Python 2 wrote 3L
  if (!Number.isSafeInteger(shape.reduce((product, length) => product * length, 1))) {
    throw invalid(`an array may have 2^53 items; received ${shape.join(' × ')}`)
  }
  return shape
}

function malformed(text: string): AppError {
  if (/'descr'\s*:\s*\[/.test(text)) return invalid('items must be plain, received records of named fields')
  return invalid(`an NPY header must have descr, fortran_order and shape; received ${quote(text)}`)
}

function invalid(message: string): AppError {
  return new AppError('DATASET_INVALID', message)
}
