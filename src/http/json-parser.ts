import type { FastifyInstance, FastifyRequest } from 'fastify'

/** Parses the JSON of a body that a route has read itself. It throws what Fastify would. */
export type ParseJson = (request: FastifyRequest, text: string) => unknown

/** Makes a parser that refuses what Fastify's own refuses, fields that would change prototypes among it. */
export function createJsonParser(app: FastifyInstance): ParseJson {
  const parse = app.getDefaultJsonParser('error', 'error')
  return (request, text) => {
    let value: unknown
    void parse(request, text, (error, parsed) => {
      if (error) throw error
      value = parsed
    })
    return value
  }
}
