import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify'
import type { FastifySchemaValidationError } from 'fastify/types/schema.js'

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

/**
 * For routes that read their body themselves: what stands in their schema describes it to clients, and is checked by
 * `compileBody` where that is wanted.
 */
export function leaveBody(app: FastifyInstance): FastifySchemaCompiler<object> {
  return definition => (definition.httpPart === 'body' ? () => true : compilerOf(app)(definition))
}

/** A check of bodies that a route has read itself. It throws what Fastify would. */
export function compileBody(app: FastifyInstance, schema: object): (body: unknown) => void {
  const definition = { schema, method: 'POST', url: '', httpPart: 'body' }
  const validate = compilerOf(app)(definition) as AjvCheck
  return body => {
    if (validate(body)) return
    const validation = validate.errors ?? []
    throw Object.assign(new Error('the body is not valid'), { validation, validationContext: 'body' })
  }
}

interface AjvCheck {
  (body: unknown): boolean
  errors?: FastifySchemaValidationError[] | null
}

function compilerOf({ validatorCompiler }: FastifyInstance): FastifySchemaCompiler<object> {
  if (!validatorCompiler) throw new Error('registerValidation must come first')
  return validatorCompiler as FastifySchemaCompiler<object>
}
