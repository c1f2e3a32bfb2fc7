import type { Multipart } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { AppError } from '../errors.ts'
import { watchContentDigest } from './content-digest.ts'
import { drainBody } from './drain-body.ts'

/** One part of a multipart body, in order. */
export type RequestPart =
  | { kind: 'field'; name: string; value: string }
  | { kind: 'file'; name: string; content: AsyncIterable<Buffer> }

/**
 * The parts of a multipart body as they arrive. When the reader gives up, the rest of the body is read and thrown
 * away, for a client that is still sending would never see the answer.
 * @throws {AppError} UNSUPPORTED_MEDIA_TYPE, MALFORMED_REQUEST, PAYLOAD_TOO_LARGE, DIGEST_MISMATCH
 */
export async function* readMultipart(
  request: FastifyRequest,
  limits: { fileBytesMax: number; filesMax?: number },
): AsyncGenerator<RequestPart> {
  if (!request.isMultipart()) {
    const received = request.headers['content-type'] ?? 'none'
    throw new AppError(
      'UNSUPPORTED_MEDIA_TYPE',
      `the content type must be multipart/form-data; received ${received}`,
    )
  }
  const assertDigest = watchContentDigest(request)
  try {
    const parts = request.parts({
      limits: {
        fileSize: limits.fileBytesMax,
        files: limits.filesMax ?? 8,
        fields: 32,
        parts: (limits.filesMax ?? 8) + 32,
        fieldSize: 64 * 1024,
        fieldNameSize: 200,
        headerPairs: 100,
      },
    })
    for await (const part of parts) yield toRequestPart(part, limits.fileBytesMax)
    await drainBody(request) // what may follow the last part counts for the digest
    assertDigest()
  } catch (error) {
    throw translate(error)
  } finally {
    await drainBody(request)
  }
}

function toRequestPart(part: Multipart, fileBytesMax: number): RequestPart {
  const name = part.fieldname
  if (part.type === 'field') {
    if (part.valueTruncated || part.fieldnameTruncated) {
      throw new AppError('PAYLOAD_TOO_LARGE', `the text part ${name} may have 65536 bytes; received more`)
    }
    return { kind: 'field', name, value: String(part.value) }
  }
  return { kind: 'file', name, content: readWhole(part.file, name, fileBytesMax) }
}

/** A file's bytes; a file over the limit is an error, not a short file. */
async function* readWhole(
  file: AsyncIterable<Buffer> & { truncated: boolean },
  name: string,
  bytesMax: number,
): AsyncGenerator<Buffer> {
  try {
    yield* file
  } catch (error) {
    throw translate(error)
  }
  if (file.truncated)
    throw new AppError('PAYLOAD_TOO_LARGE', `the file ${name} may have ${bytesMax} bytes; received more`)
}

/** Errors of the parser say that the body is malformed; ours and Fastify's say themselves what they are. */
function translate(error: unknown): unknown {
  if (error instanceof AppError) return error
  if (!(error instanceof Error) || ('statusCode' in error && Number(error.statusCode) !== 500)) return error
  if (/multipart|boundary|unexpected end|malformed|premature|aborted|header|form/i.test(error.message)) {
    return new AppError(
      'MALFORMED_REQUEST',
      `the multipart body must be whole and well-formed: ${error.message}`,
      {
        cause: error,
      },
    )
  }
  return error
}
