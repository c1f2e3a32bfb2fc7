import type { FastifyInstance } from 'fastify'

/**
 * What an API's answers need of a browser: never to be taken for another type than they say, and never to be shown in a
 * page's frame. Pages get the whole set of Helmet, where they are registered.
 * @see OWASP, "REST Security Cheat Sheet", Security Headers
 */
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
} as const

/** Gives every answer these headers, before anything can go wrong. */
export function answerWithSecurityHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(HEADERS)
    done()
  })
}
