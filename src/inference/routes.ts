import { Readable } from 'node:stream'
import multipart from '@fastify/multipart'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { AppError, fieldError } from '../errors.ts'
import { registerBackPressure } from '../http/back-pressure.ts'
import { CSV_TYPE, hasCsvHeader, isCsv, wantsCsv } from '../http/csv.ts'
import { answerPureOnce } from '../http/idempotency/answer-once.ts'
import { readIdempotencyKey } from '../http/idempotency/key-header.ts'
import { readMultipart } from '../http/multipart.ts'
import { readDeadline } from '../http/prefer-wait.ts'
import { problemResponses } from '../http/problem-details.ts'
import { compileBody, leaveBody } from '../http/validation.ts'
import type { VersionReference } from '../models/repository.ts'
import { storable } from '../names.ts'
import { decodeBase64 } from './decode-base64.ts'
import { type PredictDeps, type PredictionPieces, type PredictOptions, predict } from './predict.ts'
import type { PredictionInputs } from './rows.ts'
import {
  BODY_BYTES_MAX,
  type Prediction,
  PredictionListSchema,
  PredictionQuery,
  type PredictionRequest,
  PredictionRequestSchema,
  PredictionResponseSchema,
} from './schemas.ts'
import { parseNpy, readTensorType } from './tensor.ts'
import { readSession } from './traffic/read-session.ts'

const TENSOR_TYPE = 'application/octet-stream'
const NPY_TYPE = 'application/x-npy'
const BINARY_TYPES = ['image/png', 'image/jpeg', 'image/webp', TENSOR_TYPE, NPY_TYPE, CSV_TYPE]
const MULTIPART_IMAGES_MAX = 256

const name = storable({ maxLength: 100 })
const CsvAnswer = Type.String({
  description:
    '`prediction` and `probability`; of several labels `prediction:label` and `probability:label` for each; of numbers ' +
    '`prediction`, or `prediction:target` for each of several. Last `error`: why a row has no prediction.',
})
const FileBody = { schema: Type.Unsafe<Buffer>({ format: 'binary' }) }

/** `/v1/models/{name}/…/predict`: images and numbers in, classes out. */
export const inferenceRoutes: FastifyPluginAsyncTypebox<PredictDeps> = async (app, deps) => {
  await app.register(multipart)
  await registerBackPressure(app)
  for (const type of ['application/json', ...BINARY_TYPES]) {
    app.addContentTypeParser(type, { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
      done(null, body),
    )
  }
  const parseJson = createJsonParser(app)

  const schema = {
    tags: ['predictions'],
    summary: 'Predict',
    description:
      'The body is an image (PNG, JPEG or WebP), a multipart form with one or more files named `image`, or JSON: ' +
      '`{ "images": [base64] }` or `{ "instances": [[…]] }` in the units of the training data. It may be a NumPy file ' +
      '(`application/x-npy`), or raw little-endian numbers: `application/octet-stream; dtype=float32; shape="64,784"` ' +
      '(float32, float64, uint8, int32; without a shape as many examples as there are; without dtype it is an image). ' +
      'For a table, JSON `{ "rows": [{ column: value }] }`, or CSV with a header (`text/csv`; `text/csv; header=absent` ' +
      'where the columns are the model’s, in their order), which is answered with CSV unless JSON is accepted. ' +
      '`Prefer: wait=2` asks for an answer within two seconds, or 504. ' +
      'Where an alias is split, requests with the same header `X-Trainyard-Session` get the same version.',
    querystring: PredictionQuery,
    body: {
      content: {
        'application/json': { schema: PredictionRequestSchema },
        ...Object.fromEntries(BINARY_TYPES.map(type => [type, FileBody])),
      },
    },
    response: {
      200: {
        description: 'Predictions in the order of the inputs',
        content: {
          'application/json': { schema: PredictionResponseSchema },
          [CSV_TYPE]: { schema: CsvAnswer },
        },
      },
      ...problemResponses(400, 404, 409, 413, 415, 422, 503, 504),
    },
  }
  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    reference: VersionReference & { name: string },
  ) => {
    const options = readOptions(request, reply)
    const inputs = request.isMultipart() ? await readMultipartImages(request) : readBody(request, parseJson)
    const ask = () => predict(deps, reference.name, reference, inputs, options)
    if (!wantsCsv(request)) {
      return answerPureOnce(deps.db, { request, reply, body: inputs }, async () => {
        return { status: 200, text: await writePrediction(await ask(), reply) }
      })
    }
    assertTabular(request)
    const contentType = `${CSV_TYPE}; charset=utf-8; header=present`
    if (readIdempotencyKey(request) === null) {
      return reply.type(contentType).send(Readable.from(inTurns(await ask())))
    }
    return answerPureOnce(deps.db, { request, reply, body: inputs }, async () => {
      return { status: 200, contentType, text: await readText(inTurns(await ask())) }
    })
  }
  const bodyLimit = BODY_BYTES_MAX
  const validatorCompiler = leaveBody(app)

  app.post(
    '/models/:name/predict',
    { bodyLimit, validatorCompiler, schema: { ...schema, params: Type.Object({ name }) } },
    (request, reply) => answer(request, reply, request.params),
  )
  app.post(
    '/models/:name/versions/:version/predict',
    {
      bodyLimit,
      validatorCompiler,
      schema: {
        ...schema,
        params: Type.Object({ name, version: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }) }),
      },
    },
    (request, reply) => answer(request, reply, request.params),
  )
  app.post(
    '/models/:name/aliases/:alias/predict',
    {
      bodyLimit,
      validatorCompiler,
      schema: { ...schema, params: Type.Object({ name, alias: Type.String() }) },
    },
    (request, reply) => answer(request, reply, request.params),
  )
}

function readOptions(request: FastifyRequest, reply: FastifyReply): PredictOptions {
  const { query, headers } = request
  const { topK, probabilities, includeInput, calibrated, abstainBelow, explain, rowErrors } =
    query as Type.Static<typeof PredictionQuery>
  return {
    topK: topK ?? 5,
    probabilities: probabilities ?? true,
    deadlineMs: readDeadline(request, reply),
    includeInput: includeInput ?? false,
    calibrated: calibrated ?? false,
    abstainBelow: abstainBelow ?? null,
    explain: explain ?? false,
    rowErrors: rowErrors ?? (isCsv(request) ? 'inline' : 'refuse'),
    session: readSession(headers),
  }
}

/** What CSV has no column for is refused, not left out. @throws {AppError} VALIDATION_FAILED */
function assertTabular({ query }: FastifyRequest): void {
  const asked = query as Type.Static<typeof PredictionQuery>
  const wrong = (['topK', 'includeInput', 'explain'] as const).filter(name => asked[name])
  if (wrong.length === 0) return
  const errors = wrong.map(parameter => ({
    parameter,
    detail: 'CSV has no column for it; accept application/json',
  }))
  throw new AppError('VALIDATION_FAILED', `${wrong.join(', ')}: ${errors[0]?.detail}`, { errors })
}

async function* inTurns({ csv, work }: PredictionPieces): AsyncGenerator<string> {
  for (const piece of csv) {
    if (work.isOver()) await work.next()
    yield piece
  }
}

async function readText(pieces: AsyncIterable<string>): Promise<string> {
  const texts: string[] = []
  for await (const piece of pieces) texts.push(piece)
  return texts.join('')
}

type ParseJson = (request: FastifyRequest, text: Buffer) => Exclude<PredictionInputs, { kind: 'json' }>

function readBody(request: FastifyRequest, parseJson: ParseJson): PredictionInputs {
  if (!Buffer.isBuffer(request.body)) {
    throw new AppError(
      'MALFORMED_REQUEST',
      'a body is required: an image, a tensor, a multipart form or JSON; received none',
    )
  }
  const content = request.body
  const contentType = request.headers['content-type'] ?? ''
  if (/^application\/json/i.test(contentType)) {
    const parse = () => parseJson(request, content)
    // Under an Idempotency-Key JSON counts by its value, so it must be parsed in any case.
    return readIdempotencyKey(request) === null ? { kind: 'json', text: content, parse } : parse()
  }
  if (isCsv(request)) {
    return { kind: 'csv', content, hasHeader: hasCsvHeader(request) }
  }
  if (/^application\/x-npy/i.test(contentType)) return { kind: 'tensor', tensor: parseNpy(content) }
  const type = readTensorType(contentType)
  if (type) return { kind: 'tensor', tensor: { ...type, data: content } }
  return { kind: 'images', images: [{ pointer: '', content }] }
}

/** Reads a body of JSON as other routes do: the same refusals, the same schema. */
function createJsonParser(app: FastifyInstance): ParseJson {
  const parse = app.getDefaultJsonParser('error', 'error')
  const check = compileBody(app, PredictionRequestSchema)
  return (request, text) => {
    let value: unknown
    void parse(request, text.toString('utf8'), (error, parsed) => {
      if (error) throw error
      value = parsed
    })
    check(value)
    const { images, instances, rows } = value as PredictionRequest // checked just now
    if (rows) return { kind: 'rows', rows }
    if (instances) return { kind: 'instances', instances, pointer: '/instances' }
    return {
      kind: 'images',
      images: (images ?? []).map((image, index) => ({
        pointer: `/images/${index}`,
        content: decodeBase64(image, `/images/${index}`),
      })),
    }
  }
}

/** The text of an answer, by the compiled schema, written in pieces. */
async function writePrediction(
  { model, pieces, work }: PredictionPieces,
  reply: FastifyReply,
): Promise<string> {
  const texts: string[] = []
  // The types know objects only; lists are written too. Fastify keeps what it compiled for a schema.
  const schema: object = PredictionListSchema
  const write = reply.compileSerializationSchema(schema as Record<string, unknown>) as unknown as (
    list: Prediction[],
  ) => string
  for (const piece of pieces) {
    if (work.isOver()) await work.next()
    texts.push(write(piece).slice(1, -1))
  }
  return `{"model":${JSON.stringify(model)},"predictions":[${texts.join(',')}]}`
}

async function readMultipartImages(request: FastifyRequest): Promise<PredictionInputs> {
  const images: { pointer: string; content: Buffer }[] = []
  const limits = { fileBytesMax: BODY_BYTES_MAX, filesMax: MULTIPART_IMAGES_MAX }
  let bytes = 0
  for await (const part of readMultipart(request, limits)) {
    if (part.kind === 'field' || part.name !== 'image') {
      const detail = `parts must be files named image; received ${part.name}`
      throw new AppError('VALIDATION_FAILED', detail, { errors: [{ pointer: `/${part.name}`, detail }] })
    }
    const pieces: Buffer[] = []
    for await (const piece of part.content) {
      bytes += piece.length
      if (bytes > BODY_BYTES_MAX) {
        throw new AppError(
          'PAYLOAD_TOO_LARGE',
          `images may have ${BODY_BYTES_MAX} bytes together; received more`,
        )
      }
      pieces.push(piece)
    }
    images.push({ pointer: `/image/${images.length}`, content: Buffer.concat(pieces) })
  }
  if (images.length === 0) {
    const detail = `1 to ${MULTIPART_IMAGES_MAX} files named image are required; received none`
    throw fieldError('VALIDATION_FAILED', '/image', detail)
  }
  return { kind: 'images', images }
}
