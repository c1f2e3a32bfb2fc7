import { promisify } from 'node:util'
import { gunzip, inflate } from 'node:zlib'
import type { FastifyRequest } from 'fastify'
import { AppError } from '../errors.ts'

const DECODERS = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
} as const

/**
 * The bytes of a body that may be compressed.
 * @param bytesMax - once it is unpacked
 * @throws {AppError} UNSUPPORTED_MEDIA_TYPE for another encoding, PAYLOAD_TOO_LARGE, MALFORMED_REQUEST
 * @see RFC 9110, section 8.4.1
 */
export async function decodeBody(
  { headers }: FastifyRequest,
  body: Buffer,
  bytesMax: number,
): Promise<Buffer> {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  if (encoding === 'identity' || encoding === '') return body
  if (!Object.hasOwn(DECODERS, encoding)) {
    const detail = `content-encoding must be gzip, deflate or identity; received ${encoding}`
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', detail, {
      errors: [{ parameter: 'content-encoding', detail }],
    })
  }
  try {
    return await DECODERS[encoding as keyof typeof DECODERS](body, { maxOutputLength: bytesMax })
  } catch (cause) {
    if (cause instanceof RangeError) {
      const detail = `the body may have ${bytesMax} bytes when it is unpacked; received more`
      throw new AppError('PAYLOAD_TOO_LARGE', detail, { cause })
    }
    throw new AppError('MALFORMED_REQUEST', `the body must be whole and packed with ${encoding}; it is not`, {
      cause,
    })
  }
}
