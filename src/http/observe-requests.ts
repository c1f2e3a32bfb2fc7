import type { FastifyInstance } from 'fastify'

/** Is told of every answer. @param route - its pattern, not its address; null: there was none */
export type ObserveRequest = (method: string, route: string | null, status: number, seconds: number) => void

/** Tells of every request at the end of its answer. */
export function observeRequests(app: FastifyInstance, observe: ObserveRequest): void {
  app.addHook('onResponse', (request, reply, done) => {
    observe(request.method, request.routeOptions.url ?? null, reply.statusCode, reply.elapsedTime / 1_000)
    done()
  })
}
