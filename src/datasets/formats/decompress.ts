import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { AppError } from '../../errors.ts'

/**
 * Gives a file's bytes unpacked when they are gzip (by their first two bytes, whatever the name says), else as they
 * are. Unpacks piece by piece, so a bomb meets the reader's limits before it meets memory.
 * @throws {AppError} DATASET_INVALID when the gzip stream is damaged or cut off
 * @see RFC 1952, section 2.3.1: ID1 = 0x1f, ID2 = 0x8b
 */
export async function* decompress(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const pieces = source[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  while (head.length < 2) {
    const { done, value } = await pieces.next()
    if (done) break
    head = Buffer.concat([head, value])
  }
  const rest = prepend(head, pieces)
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    yield* rest
    return
  }
  const packed = Readable.from(rest)
  const unpacked = createGunzip()
  packed.on('error', error => unpacked.destroy(error))
  try {
    yield* packed.pipe(unpacked)
  } catch (cause) {
    if (!isZlibError(cause)) throw cause
    throw new AppError('DATASET_INVALID', `a gzip file must be whole and intact: ${cause.message}`, { cause })
  } finally {
    packed.destroy()
    unpacked.destroy()
  }
}

async function* prepend(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
}

function isZlibError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}
