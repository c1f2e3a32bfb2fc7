import { AppError, fieldError } from '../../../errors.ts'
import { featureCount } from '../../content.ts'
import { withPart } from '../../tables/read-table.ts'
import type { SpooledFile } from '../zip/spooled-file.ts'
import { NPY_HEAD_BYTES, type NpyHeader, parseNpyHeader } from './npy-header.ts'

/** An NPY file, wherever it lies. */
export interface NpySource {
  /** Of the upload; for errors. */
  part: string
  /** What its sender calls it; for messages. */
  name: string
  bytes: number
  stream(): AsyncIterable<Buffer>
  /** The same file where any place of it can be read. */
  spool(): Promise<SpooledFile>
}

/** An array whose head was read. */
export interface NpyArray extends NpyHeader {
  source: NpySource
  headBytes: number
}

/** Items of one example at most. */
const ROW_ITEMS_MAX = 2 ** 20
const PIECE_BYTES = 1024 ** 2

/** Bytes of rows that are put together at once, of an array in Fortran's order; one that is no larger than the whole is read at once. */
const BLOCK_BYTES = 16 * 1024 ** 2
const WHOLE_BYTES = 64 * 1024 ** 2

/** Of a larger array: the reads of a block, one for each item of an example, must not become too many and too small. */
const FORTRAN_ROW_ITEMS_MAX = 16_384

/**
 * Reads the head of an array, and checks that the file is as long as the head says.
 * @throws {AppError} DATASET_INVALID
 */
export async function openArray(source: NpySource): Promise<NpyArray> {
  try {
    const { header, headBytes } = parseNpyHeader(await readHead(source))
    const expected = featureCount(header.shape) * header.dtype.bytes
    const received = source.bytes - headBytes
    if (received !== expected) {
      const shape = `${header.shape.join(' × ')} items of ${header.dtype.name}`
      const detail = `an array must hold the ${expected} bytes of its header (${shape}); received ${received}`
      throw new AppError('DATASET_INVALID', detail)
    }
    if (rowItems(header) > ROW_ITEMS_MAX) {
      throw new AppError(
        'PAYLOAD_TOO_LARGE',
        `an example may have ${ROW_ITEMS_MAX} items; received ${rowItems(header)}`,
      )
    }
    return { ...header, source, headBytes }
  } catch (error) {
    throw named(error, source.name)
  }
}

/** The same error, with the name of the array before its message. */
export function named(error: unknown, name: string): unknown {
  if (!(error instanceof AppError)) return error
  return new AppError(error.code, `${name}: ${error.message}`, { cause: error })
}

/** An error that names the array. */
export function invalidArray({ source }: Pick<NpyArray, 'source'>, detail: string): AppError {
  return fieldError('DATASET_INVALID', `/${source.part}`, `${source.name}: ${detail}`)
}

/** Items of one example: all axes but the first. */
export function rowItems({ shape }: Pick<NpyHeader, 'shape'>): number {
  return featureCount(shape.slice(1))
}

/**
 * The items of an array in C's order, in pieces of whole examples; a piece is good until the next one is asked for.
 * @throws {AppError} DATASET_INVALID when an archive is damaged
 */
export async function* readRows(array: NpyArray): AsyncGenerator<Buffer> {
  const rowBytes = rowItems(array) * array.dtype.bytes
  if (rowBytes === 0) return
  const pieceRows = Math.max(1, Math.floor(PIECE_BYTES / rowBytes))
  try {
    if (array.isFortran && array.shape.length > 1) yield* readTransposed(array, rowBytes, pieceRows)
    else yield* inPieces(skip(array.source.stream(), array.headBytes), pieceRows * rowBytes)
  } catch (error) {
    throw withPart(error, array.source.part)
  }
}

async function readHead(source: NpySource): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of source.stream()) {
    pieces.push(piece)
    bytes += piece.length
    if (bytes >= NPY_HEAD_BYTES) break
  }
  return Buffer.concat(pieces).subarray(0, NPY_HEAD_BYTES)
}

async function* skip(pieces: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes
  for await (const piece of pieces) {
    if (left < piece.length) yield piece.subarray(left)
    left = Math.max(0, left - piece.length)
  }
}

/** Pieces of one length, but for the last. */
async function* inPieces(source: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  const piece = Buffer.allocUnsafe(bytes)
  let filled = 0
  for await (const some of source) {
    for (let at = 0; at < some.length; ) {
      const taken = some.copy(piece, filled, at)
      filled += taken
      at += taken
      if (filled < bytes) continue
      yield piece
      filled = 0
    }
  }
  if (filled > 0) yield piece.subarray(0, filled)
}

/** Puts rows together from columns that lie apart: a block of rows is read column by column, then turned. */
async function* readTransposed(array: NpyArray, rowBytes: number, pieceRows: number): AsyncGenerator<Buffer> {
  const { shape, dtype, headBytes } = array
  const [count = 0, ...example] = shape
  const file = await array.source.spool()
  const isWhole = count * rowBytes <= WHOLE_BYTES
  const columns = columnsInPlace(example)
  if (!isWhole && columns.length > FORTRAN_ROW_ITEMS_MAX) {
    const detail =
      `an array in Fortran's order that is larger than ${WHOLE_BYTES} bytes may have ${FORTRAN_ROW_ITEMS_MAX} items ` +
      `an example; received ${columns.length} (numpy.ascontiguousarray brings it into C's order)`
    throw invalidArray(array, detail)
  }
  const blockRows = isWhole ? count : Math.min(count, Math.floor(BLOCK_BYTES / rowBytes))
  const block = new Uint8Array(blockRows * rowBytes)
  const piece = new Uint8Array(Math.min(blockRows, pieceRows) * rowBytes)
  for (let first = 0; first < count; first += blockRows) {
    const rows = Math.min(blockRows, count - first)
    for (const [place, column] of columns.entries()) {
      const start = headBytes + (place * count + first) * dtype.bytes
      const items = await (isWhole ? file.read : file.readOnce)(start, rows * dtype.bytes)
      block.set(items, column * rows * dtype.bytes)
    }
    for (let row = 0; row < rows; row += pieceRows) {
      const taken = Math.min(pieceRows, rows - row)
      turn(block, piece, { row, taken, rows, columns: columns.length, bytes: dtype.bytes })
      yield Buffer.from(piece.buffer, 0, taken * rowBytes)
    }
  }
}

/** Of each column of an array in Fortran's order, by its place in the file, which item of an example in C's order it holds. */
function columnsInPlace(example: readonly number[]): Int32Array {
  const columns = new Int32Array(featureCount(example))
  for (let index = 0; index < columns.length; index++) {
    let [rest, place, stride] = [index, 0, featureCount(example)]
    for (let axis = example.length - 1; axis >= 0; axis--) {
      const length = example[axis] ?? 1
      stride /= length
      place += (rest % length) * stride
      rest = Math.floor(rest / length)
    }
    columns[place] = index
  }
  return columns
}

/**
 * Some rows of a block of columns. A piece of rows is small enough for the processor's cache, a block is not.
 * @param at.rows - of the block
 */
function turn(
  block: Uint8Array<ArrayBuffer>,
  piece: Uint8Array<ArrayBuffer>,
  at: { row: number; taken: number; rows: number; columns: number; bytes: number },
): void {
  // By words of up to four bytes; a double would lose bits of what is no number.
  const unit = at.bytes % 4 === 0 ? 4 : at.bytes === 2 ? 2 : 1
  const View = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[unit]
  const [from, to] = [new View(block.buffer), new View(piece.buffer)]
  const words = at.bytes / unit
  const stride = at.columns * words
  for (let column = 0; column < at.columns; column++) {
    const start = (column * at.rows + at.row) * words
    for (let word = 0; word < words; word++) {
      let target = column * words + word
      for (let item = start + word; item < start + at.taken * words; item += words, target += stride) {
        to[target] = from[item] ?? 0
      }
    }
  }
}
