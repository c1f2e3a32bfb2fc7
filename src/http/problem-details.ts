import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { isDatabaseAway, isTransient } from '../db/away.ts'
import { AppError, ERRORS, type ErrorCode, type FieldError } from '../errors.ts'
import { isStorageFull } from '../storage/full.ts'
import { watchRoutes } from './known-routes.ts'
import { describePlainly, hasPlainErrors, plainStatus } from './plain-errors.ts'
import { validationErrors } from './validation-errors.ts'

/** Content type of an error answer. */
export const PROBLEM_TYPE = 'application/problem+json'

/** An error answer. @see RFC 9457, section 3 */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'Names the code: `urn:trainyard:error:JOB_NOT_FOUND`.' }),
    title: Type.String({ description: 'The same for all errors of a code.' }),
    status: Type.Integer(),
    detail: Type.String({ description: 'What is required and what was received.' }),
    instance: Type.String({ description: 'The address that was asked for.' }),
    code: Type.String({ description: 'Stable, for programs.' }),
    errors: Type.Array(
      Type.Object({
        pointer: Type.Optional(Type.String({ description: 'JSON pointer into the body.' })),
        parameter: Type.Optional(Type.String({ description: 'Query or path parameter, or header.' })),
        detail: Type.String(),
      }),
      { description: 'Every wrong field; empty when the error is of no field.' },
    ),
    requestId: Type.String({ description: 'Stands in the log and in the header X-Request-Id.' }),
  },
  { title: 'Problem' },
)

/** A problem document. */
export type Problem = Type.Static<typeof ProblemSchema>

/** Response schemas of a route's errors; 401 comes by itself. */
export function problemResponses(
  ...statuses: (400 | 404 | 409 | 410 | 412 | 413 | 415 | 422 | 460 | 503 | 504 | 507)[]
) {
  const response = {
    description: 'Problem',
    content: { [PROBLEM_TYPE]: { schema: ProblemSchema } },
  }
  return Object.fromEntries([401, ...statuses].map(status => [status, response]))
}

/** Answers every error, thrown or answered by Fastify itself, as a problem document, or plainly where that is wanted. */
export function registerProblemDetails(app: FastifyInstance): void {
  const methodsAt = watchRoutes(app)
  app.setErrorHandler((error: FastifyError, request, reply) => sendProblem(error, request, reply))
  app.setNotFoundHandler((request, reply) => {
    const asked = `${request.method} ${pathOf(request)}`
    const allowed = methodsAt(pathOf(request)).join(', ')
    if (allowed === '')
      return sendProblem(new AppError('NOT_FOUND', `there is nothing at ${asked}`), request, reply)
    reply.header('allow', allowed) // RFC 9110, section 15.5.6
    const detail = `the method must be one of ${allowed}; received ${asked}`
    return sendProblem(new AppError('METHOD_NOT_ALLOWED', detail), request, reply)
  })
}

/** Answers with an error, and logs it once: 4xx at info, 5xx at error with the cause. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = error && error === request.raw.errored ? hangUp(error) : toAppError(error)
  const { retryable } = ERRORS[problem.code]
  const { status, contentType, body } = presentError(problem, request)
  if (status >= 500) request.log.error({ err: error, code: problem.code }, 'request failed')
  else request.log.info({ code: problem.code, detail: problem.message }, 'request refused')
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="trainyard"')
  if (status === 503 && retryable) reply.header('retry-after', '2')
  if (problem.code === 'IDEMPOTENCY_KEY_IN_USE') reply.header('retry-after', '1')
  return reply
    .code(status)
    .header('x-request-id', request.id) // what fails before routing has seen no hook
    .type(contentType)
    .serializer((text: string) => text)
    .send(body)
}

/** An error as its route answers it. */
export interface ErrorAnswer {
  status: number
  contentType: string
  body: string
}

/** An error as it is answered: a problem document, or what the protocol of the route wants. */
export function presentError(problem: AppError, request: FastifyRequest): ErrorAnswer {
  if (hasPlainErrors(request)) {
    const body = JSON.stringify({ error: describePlainly(problem) })
    return { status: plainStatus(problem), contentType: 'application/json; charset=utf-8', body }
  }
  const body = JSON.stringify(describeProblem(problem, request))
  return { status: problem.status, contentType: PROBLEM_TYPE, body }
}

function describeProblem(problem: AppError, request: FastifyRequest): Problem {
  const { status, title } = ERRORS[problem.code]
  return {
    type: `urn:trainyard:error:${problem.code}`,
    title,
    status,
    detail: status === 500 ? 'the error is in the log of the service, under the request id' : problem.message,
    instance: pathOf(request),
    code: problem.code,
    errors: [...problem.errors],
    requestId: request.id,
  }
}

/** Fastify's own errors, by their codes. @see fastify/docs/Reference/Errors.md */
const FASTIFY_CODES: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_HANDLER_TIMEOUT: 'REQUEST_TIMEOUT',
  FST_UNDER_PRESSURE: 'OVERLOADED',
  FST_REQ_FILE_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  FST_PARTS_LIMIT: 'PAYLOAD_TOO_LARGE',
  FST_FILES_LIMIT: 'PAYLOAD_TOO_LARGE',
  FST_FIELDS_LIMIT: 'PAYLOAD_TOO_LARGE',
  FST_INVALID_MULTIPART_CONTENT_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
}

const STATUS_CODES: Record<number, ErrorCode> = {
  400: 'MALFORMED_REQUEST',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  408: 'REQUEST_TIMEOUT',
  413: 'PAYLOAD_TOO_LARGE',
  414: 'URI_TOO_LONG',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'VALIDATION_FAILED',
}

/** A client that goes away resets its connection; that is not the database's. */
function hangUp(cause: unknown): AppError {
  return new AppError('MALFORMED_REQUEST', 'the body must arrive whole; the connection was closed', { cause })
}

/** What went wrong, as an error of the table: what was thrown by others by what it says, and else `INTERNAL`. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (isDatabaseAway(error))
    return new AppError('DATABASE_UNAVAILABLE', 'the database does not answer', { cause: error })
  if (isTransient(error))
    return new AppError('DATABASE_UNAVAILABLE', 'the database is held up by others; send it again', {
      cause: error,
    })
  if (isStorageFull(error))
    return new AppError('STORAGE_FULL', 'there must be space left for it; make room and send it again', {
      cause: error,
    })
  if (!(error instanceof Error)) return new AppError('INTERNAL', String(error))
  const {
    validation,
    validationContext,
    code = '',
    statusCode = 500,
  } = error as Partial<FastifyError> & Error
  if (validation) {
    const errors = validationErrors(validation, validationContext ?? 'body')
    return new AppError('VALIDATION_FAILED', summarize(errors), { errors, cause: error })
  }
  const known = FASTIFY_CODES[code] ?? STATUS_CODES[statusCode]
  return new AppError(known ?? (statusCode < 500 ? 'MALFORMED_REQUEST' : 'INTERNAL'), error.message, {
    cause: error,
  })
}

function summarize(errors: readonly FieldError[]): string {
  const [first, ...others] = errors.map(
    ({ pointer, parameter, detail }) => `${pointer ?? parameter}: ${detail}`,
  )
  return others.length === 0 ? (first ?? '') : `${first} (and ${others.length} more)`
}

/** Without the query, which may hold secrets. */
function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/'
}
