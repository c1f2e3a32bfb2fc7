import { deltaBinaryUnpack } from 'hyparquet/src/delta.js'
import { invalidParquet } from './file.ts'
import type { ParquetColumn } from './meaning.ts'
import { ENCODING, type Encoding } from './page-header.ts'

/** Values of one page that are made at once, at most. */
const VALUES_MAX = 8 * 1024 ** 2
/** Bytes of one text at most, and of the texts of a page that share their beginnings. */
const TEXT_BYTES_MAX = 64 * 1024 ** 2

/**
 * The values of a page of fixed width as if they were written plainly.
 * @param count - values that are there
 * @throws {AppError} DATASET_INVALID
 */
export function toPlainBytes(
  content: Buffer,
  count: number,
  encoding: Encoding,
  column: ParquetColumn,
): Buffer {
  switch (encoding) {
    case ENCODING.plain:
      return content
    case ENCODING.deltaBinaryPacked: {
      const values = column.width === 4 ? new Int32Array(bound(count)) : new BigInt64Array(bound(count))
      unpackDeltas(content, 0, count, values)
      return Buffer.from(values.buffer)
    }
    case ENCODING.byteStreamSplit:
      return joinStreams(content, count, column.width)
    default:
      throw invalidParquet(`has a page of the encoding ${encoding}, which is not known for its type`)
  }
}

/** Texts of a page, by the places of their bytes. @throws {AppError} DATASET_INVALID */
export function* readTexts(content: Buffer, count: number, encoding: Encoding): Generator<Buffer> {
  switch (encoding) {
    case ENCODING.plain:
      return yield* readPlainTexts(content, count)
    case ENCODING.deltaLengthByteArray: {
      const lengths = new Int32Array(bound(count))
      return yield* cut(content, unpackDeltas(content, 0, count, lengths), lengths)
    }
    case ENCODING.deltaByteArray:
      return yield* readSharedTexts(content, count)
    default:
      throw invalidParquet(`has a page of the encoding ${encoding}, which is not known for texts`)
  }
}

function* readPlainTexts(content: Buffer, count: number): Generator<Buffer> {
  for (let at = 0, read = 0; read < count; read++) {
    if (at + 4 > content.length) throw invalidParquet('has a page that ends within its texts')
    const end = at + 4 + content.readUInt32LE(at)
    if (end > content.length) throw invalidParquet('has a text that goes on beyond its page')
    yield content.subarray(at + 4, end)
    at = end
  }
}

function* cut(content: Buffer, start: number, lengths: Int32Array): Generator<Buffer> {
  let at = start
  for (const length of lengths) {
    if (length < 0 || at + length > content.length)
      throw invalidParquet('has a text that goes on beyond its page')
    yield content.subarray(at, at + length)
    at += length
  }
}

/** Each text begins with some bytes of the one before. */
function* readSharedTexts(content: Buffer, count: number): Generator<Buffer> {
  const shared = new Int32Array(bound(count))
  const lengths = new Int32Array(count)
  const start = unpackDeltas(content, unpackDeltas(content, 0, count, shared), count, lengths)
  let before: Buffer = Buffer.alloc(0)
  let at = 0
  let made = 0
  for (const rest of cut(content, start, lengths)) {
    const length = shared[at++] ?? 0
    if (length < 0 || length > before.length)
      throw invalidParquet('has a text that shares more than there is')
    made += length + rest.length
    if (made > TEXT_BYTES_MAX)
      throw invalidParquet(`has a page whose texts have more than ${TEXT_BYTES_MAX} bytes`)
    before = length === 0 ? rest : Buffer.concat([before.subarray(0, length), rest])
    yield before
  }
}

/** @returns the position after the numbers */
function unpackDeltas(
  content: Buffer,
  start: number,
  count: number,
  into: Int32Array | BigInt64Array,
): number {
  if (count === 0) return start
  const reader = { view: new DataView(content.buffer, content.byteOffset, content.byteLength), offset: start }
  try {
    deltaBinaryUnpack(reader, count, into)
  } catch (cause) {
    throw invalidParquet('has a page of differences that cannot be read', cause)
  }
  return reader.offset
}

function joinStreams(content: Buffer, count: number, width: number): Buffer {
  if (count * width > content.length) throw invalidParquet('has a page that ends within its values')
  const joined = Buffer.allocUnsafe(count * width)
  for (let byte = 0, from = 0; byte < width; byte++) {
    for (let at = byte; at < joined.length; at += width) joined[at] = content[from++] ?? 0
  }
  return joined
}

function bound(count: number): number {
  if (count <= VALUES_MAX) return count
  throw invalidParquet(`has a page of ${count} values, of which there may be ${VALUES_MAX}`)
}
