import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../../errors.ts'
import { readAnyBody, takeAnyBody } from '../../../http/any-body.ts'
import { registerBackPressure } from '../../../http/back-pressure.ts'
import { type Answer, answerPureOnce } from '../../../http/idempotency/answer-once.ts'
import { createJsonParser } from '../../../http/json-parser.ts'
import { plainErrorResponses } from '../../../http/plain-errors.ts'
import { readDeadline } from '../../../http/prefer-wait.ts'
import { compileBody, leaveBody } from '../../../http/validation.ts'
import type { VersionReference } from '../../../models/repository.ts'
import type { InterfaceDeps } from '../../named-inputs/model-interface.ts'
import type { PredictDeps } from '../../predict.ts'
import { BODY_BYTES_MAX } from '../../schemas.ts'
import { readSession } from '../../traffic/read-session.ts'
import { infer } from '../infer.ts'
import { ModelParams, readReference, VersionParams } from '../read-reference.ts'
import { type InferRequestJson, InferRequestSchema, InferResponseSchema } from '../schemas.ts'
import type { InferResponse } from '../write-response.ts'

/** Bytes of JSON at the beginning of a body, of a request and of an answer. */
const JSON_LENGTH_HEADER = 'inference-header-content-length'

/** `/v2/models/{name}/…/infer`. */
export const inferRoutes: FastifyPluginAsyncTypebox<PredictDeps & InterfaceDeps> = async (app, deps) => {
  await registerBackPressure(app)
  takeAnyBody(app, BODY_BYTES_MAX)
  const parseJson = createJsonParser(app)
  const check = compileBody(app, InferRequestSchema)

  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    target: { name: string; reference: VersionReference },
  ) =>
    answerPureOnce(deps.db, { request, reply }, async () => {
      const parse = (json: string) => {
        const value = parseJson(request, json)
        check(value)
        return value as InferRequestJson // checked just now
      }
      const body = await readAnyBody(request, BODY_BYTES_MAX)
      const jsonLength = readJsonLength(request, body)
      const deadlineMs = readDeadline(request, reply)
      const whole = { ...target, session: readSession(request.headers) }
      return toAnswer(await infer(deps, whole, { parse, body, jsonLength, deadlineMs }))
    })

  const schema = {
    tags: ['open inference protocol'],
    summary: 'Infer',
    description:
      'Values are in the units of the training data. The model has one input, `input`, of numbers `[count, features]` ' +
      '(or in the shape of an example) or of images (`BYTES`; base64 in JSON), or an input for each column of its table. ' +
      'With `Inference-Header-Content-Length` binary data follows the JSON.',
    body: {
      content: {
        'application/json': { schema: InferRequestSchema },
        'application/octet-stream': { schema: InferRequestSchema },
      },
    },
    response: { 200: InferResponseSchema, ...plainErrorResponses(404, 409, 413, 415, 503, 504) },
  }
  const options = { bodyLimit: BODY_BYTES_MAX, validatorCompiler: leaveBody(app) }

  app.post(
    '/models/:name/infer',
    { ...options, schema: { ...schema, params: ModelParams } },
    async (request, reply) => answer(request, reply, { name: request.params.name, reference: {} }),
  )
  app.post(
    '/models/:name/versions/:version/infer',
    { ...options, schema: { ...schema, params: VersionParams } },
    async (request, reply) => {
      const { name, version } = request.params
      return answer(request, reply, { name, reference: readReference(version) })
    },
  )
}

/** @throws {AppError} MALFORMED_REQUEST when the header is no length within the body */
function readJsonLength({ headers }: FastifyRequest, body: Buffer): number | null {
  const text = headers[JSON_LENGTH_HEADER]
  if (text === undefined) return null
  const length = Number(text)
  if (/^\d{1,10}$/.test(String(text)) && length > 0 && length <= body.length) return length
  const detail = `Inference-Header-Content-Length must be a length from 1 to the ${body.length} bytes of the body; received ${text}`
  throw new AppError('MALFORMED_REQUEST', detail)
}

function toAnswer({ json, binary }: InferResponse): Answer<never> {
  if (!binary) return { status: 200, text: json }
  const head = Buffer.from(json)
  return {
    status: 200,
    bytes: Buffer.concat([head, binary]),
    contentType: 'application/octet-stream',
    headers: { [JSON_LENGTH_HEADER]: String(head.length) },
  }
}
