import type { FastifyReply, FastifyRequest } from 'fastify'

const SECONDS_MAX = 600

/**
 * When the answer is of no use any more, by `performance.now()`: `Prefer: wait=2` is two seconds after the request
 * came. Infinity without it; a preference that cannot be read is ignored, as RFC 7240 wants it.
 * @see RFC 7240, section 4.3; section 2 for the syntax
 */
export function readDeadline({ headers }: FastifyRequest, reply: FastifyReply): number {
  const { prefer } = headers
  if (prefer === undefined) return Number.POSITIVE_INFINITY
  const [, seconds] = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?\s*(?:[,;]|$)/i.exec([prefer].flat().join()) ?? []
  if (seconds === undefined) return Number.POSITIVE_INFINITY
  return performance.now() - reply.elapsedTime + Math.min(Number(seconds), SECONDS_MAX) * 1_000
}
