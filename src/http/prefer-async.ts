import type { FastifyRequest } from 'fastify'

/**
 * Whether the client would rather have an answer at once than a result.
 * @see RFC 7240, section 4.1
 */
export function prefersAsync({ headers }: FastifyRequest): boolean {
  return /(?:^|[,\s])respond-async\s*(?:[,;]|$)/i.test([headers.prefer ?? []].flat().join())
}
