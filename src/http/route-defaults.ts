import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { IdempotencyKeyHeader } from './idempotency/key-header.ts'

/** Query of a route that takes no parameter. */
const NoQuery = Type.Object({}, { additionalProperties: false })

/**
 * What every route of the API has without saying so: one that names no query parameter refuses all of them, and a
 * POST takes an Idempotency-Key.
 */
export function registerRouteDefaults(app: FastifyInstance): void {
  app.addHook('onRoute', route => {
    if (!/^\/v[12](\/|$)/.test(route.url)) return
    route.schema = {
      querystring: NoQuery,
      ...(route.method === 'POST' && { headers: IdempotencyKeyHeader }),
      ...route.schema,
    }
  })
}
