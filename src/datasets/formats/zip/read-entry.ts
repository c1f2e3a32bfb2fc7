import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { crc32, createInflateRaw, inflateRaw, inflateRawSync } from 'node:zlib'
import { invalidEntry, type ZipEntry } from './read-directory.ts'
import { readPieces, type SpooledFile } from './spooled-file.ts'

const HEADER_BYTES = 30
const HEADER_SIGNATURE = 0x04034b50

/** Entries up to this size are unpacked at once: that takes less time than another thread does to begin. */
const AT_ONCE_BYTES = 64 * 1024
const inflateElsewhere = promisify(inflateRaw)

/**
 * Unpacks an entry whole.
 * @throws {AppError} DATASET_INVALID with the entry's name when it is damaged, or not what the directory says
 */
export async function readEntry(file: SpooledFile, entry: ZipEntry): Promise<Buffer> {
  const start = await findContent(file, entry)
  const packed = await file.read(start, entry.packedBytes)
  const content = entry.isDeflated ? await inflate(packed, entry) : packed
  assertContent(entry, content.length, crc32(content))
  return content
}

/**
 * Unpacks an entry piece by piece; its checksum is known at the end only.
 * @throws {AppError} as `readEntry`
 */
export async function* streamEntry(file: SpooledFile, entry: ZipEntry): AsyncGenerator<Buffer> {
  const start = await findContent(file, entry)
  const packed = readPieces(file, start, start + entry.packedBytes)
  let bytes = 0
  let sum = 0
  for await (const piece of entry.isDeflated ? inflatePieces(packed, entry) : packed) {
    bytes += piece.length
    if (bytes > entry.bytes) break
    sum = crc32(piece, sum)
    yield piece
  }
  assertContent(entry, bytes, sum)
}

/** @returns where the content begins, after the entry's own header */
async function findContent(file: SpooledFile, entry: ZipEntry): Promise<number> {
  const head = await file.read(entry.start, HEADER_BYTES)
  if (head.length < HEADER_BYTES || head.readUInt32LE(0) !== HEADER_SIGNATURE) {
    throw invalidEntry(
      entry.name,
      'a ZIP must be whole and intact: there is no header where the directory says',
    )
  }
  const start = entry.start + HEADER_BYTES + head.readUInt16LE(26) + head.readUInt16LE(28)
  if (start + entry.packedBytes > entry.end) throw invalidEntry(entry.name, 'entries must not overlap')
  return start
}

async function inflate(packed: Buffer, entry: ZipEntry): Promise<Buffer> {
  const limit = { maxOutputLength: Math.max(1, entry.bytes) }
  try {
    return entry.bytes <= AT_ONCE_BYTES
      ? inflateRawSync(packed, limit)
      : await inflateElsewhere(packed, limit)
  } catch (error) {
    throw damaged(entry, error)
  }
}

async function* inflatePieces(packed: AsyncIterable<Buffer>, entry: ZipEntry): AsyncGenerator<Buffer> {
  const source = Readable.from(packed)
  const unpacked = createInflateRaw()
  source.on('error', error => unpacked.destroy(error))
  try {
    yield* source.pipe(unpacked)
  } catch (error) {
    throw damaged(entry, error)
  } finally {
    source.destroy()
    unpacked.destroy()
  }
}

/** Whatever zlib says of the content; what else went wrong is no fault of it. */
function damaged({ name, bytes }: ZipEntry, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ERR_BUFFER_TOO_LARGE')
    return invalidEntry(name, `must be the ${bytes} bytes of the directory; received more`)
  if (!(error instanceof Error) || !code.startsWith('Z_')) return error
  return invalidEntry(name, `deflated content must be whole and intact: ${error.message}`)
}

function assertContent(entry: ZipEntry, bytes: number, sum: number): void {
  if (bytes !== entry.bytes) {
    const received = bytes > entry.bytes ? 'more' : bytes
    throw invalidEntry(entry.name, `must be the ${entry.bytes} bytes of the directory; received ${received}`)
  }
  if (sum !== entry.crc32) throw invalidEntry(entry.name, 'must have the checksum of the directory (CRC-32)')
}
