import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyInstance } from 'fastify'

/**
 * Checks requests with Ajv: all errors at once, unknown fields refused and never dropped. Only query and path, which
 * are text, are converted; a number in a body must be a number, and a finite one (JSON's 1e999 is not).
 */
export function registerValidation(app: FastifyInstance): void {
  const options = {
    allErrors: true,
    discriminator: true,
    useDefaults: false,
    strict: false,
    strictNumbers: true,
  } as const
  const body = addFormats.default(new Ajv(options))
  const text = addFormats.default(new Ajv({ ...options, coerceTypes: true }))
  body.addFormat('binary', true)
  app.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'body' ? body : text).compile(schema))
}
