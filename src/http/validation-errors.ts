import type { FastifySchemaValidationError } from 'fastify/types/schema.js'
import type { FieldError } from '../errors.ts'

/** Wrong fields that an answer names at most. */
const ERRORS_MAX = 100

/**
 * Turns Ajv's errors into ours: one for each wrong field, with its place and what is required of it.
 * Only the first are told, so that an answer is not larger than its request.
 * @param context - the part of the request that was checked: `body`, `querystring`, `params`, `headers`
 */
export function validationErrors(
  errors: readonly FastifySchemaValidationError[],
  context: string,
): FieldError[] {
  const byPlace = new Map<string, FieldError>()
  for (const error of errors) {
    if (isEcho(error)) continue
    const { place, detail } = describe(error)
    if (byPlace.has(place)) continue
    byPlace.set(
      place,
      context === 'body'
        ? { pointer: place, detail }
        : { parameter: unescapePointer(place.slice(1)), detail },
    )
  }
  return [...byPlace.values()].slice(0, ERRORS_MAX)
}

/** Says only that no alternative fits, or that null would have fitted; what is wrong stands in another error. */
function isEcho({ keyword, params }: FastifySchemaValidationError): boolean {
  return ['if', 'oneOf', 'anyOf'].includes(keyword) || (keyword === 'type' && params.type === 'null')
}

function describe({ instancePath, keyword, params, message }: FastifySchemaValidationError) {
  const child = (name: unknown) => `${instancePath}/${escapePointer(String(name))}`
  switch (keyword) {
    case 'additionalProperties':
      return { place: child(params.additionalProperty), detail: 'is not a known field' }
    case 'required':
      return { place: child(params.missingProperty), detail: 'is required' }
    case 'discriminator':
      return { place: child(params.tag), detail: 'must be one of the known types' }
    case 'enum':
      return { place: instancePath, detail: `must be one of ${[params.allowedValues].flat().join(', ')}` }
    case 'const':
      return { place: instancePath, detail: `must be ${JSON.stringify(params.allowedValue)}` }
    default:
      return { place: instancePath, detail: message ?? 'is wrong' }
  }
}

/** @see RFC 6901, section 3 */
function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

function unescapePointer(name: string): string {
  return name.replaceAll('~1', '/').replaceAll('~0', '~')
}
