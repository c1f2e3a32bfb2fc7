import type { FastifyReply, FastifyRequest } from 'fastify'

/** A signal that aborts when the client goes away or the server closes, so that nobody waits for nobody. */
export function abortOnClose(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  const abort = () => controller.abort()
  reply.raw.once('close', () => {
    abort()
    request.server.closing.removeEventListener('abort', abort)
  })
  request.server.closing.addEventListener('abort', abort, { once: true })
  if (request.server.closing.aborted || reply.raw.destroyed) abort()
  return controller.signal
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Aborts when the server begins to close: waiting requests then answer at once. */
    closing: AbortSignal
  }
}
