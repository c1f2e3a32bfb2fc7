import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'

/** Name of the request header, as Node gives it. */
const HEADER = 'idempotency-key'

/**
 * Header of every POST.
 * @see draft-ietf-httpapi-idempotency-key-header; unlike there the value is taken as it is, without quotes
 */
export const IdempotencyKeyHeader = Type.Object({
  [HEADER]: Type.Optional(
    Type.String({
      pattern: '^[ -~]{1,255}$',
      description:
        '1–255 printable ASCII characters that the client chose for this request, a UUID say. The same request again under ' +
        'the same key, within 24 hours, does nothing and gets the same answer, with `Idempotency-Replayed: true`. ' +
        'Another request under it gets 422, a second one at the same time 409.',
    }),
  ),
})

/** The key that a request carries; its schema has checked it. Null without one. */
export function readIdempotencyKey({ headers }: FastifyRequest): string | null {
  const value = headers[HEADER]
  return typeof value === 'string' ? value : null
}
