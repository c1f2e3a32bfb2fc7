import type { FastifyInstance, FastifyRequest } from 'fastify'
import { decodeBody } from './content-encoding.ts'

/**
 * Takes bodies as bytes, whatever their type is said to be, for protocols whose clients name another than the one they
 * send, or none.
 */
export function takeAnyBody(app: FastifyInstance, bodyLimit: number): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body))
}

/** The bytes of a body that `takeAnyBody` took; none without one. @throws {AppError} of `decodeBody` */
export async function readAnyBody(request: FastifyRequest, bytesMax: number): Promise<Buffer> {
  return Buffer.isBuffer(request.body) ? decodeBody(request, request.body, bytesMax) : Buffer.alloc(0)
}
