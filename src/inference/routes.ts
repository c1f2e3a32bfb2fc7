import multipart from '@fastify/multipart'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { AppError, fieldError } from '../errors.ts'
import { answerPureOnce } from '../http/idempotency/answer-once.ts'
import { readMultipart } from '../http/multipart.ts'
import { problemResponses } from '../http/problem-details.ts'
import type { VersionReference } from '../models/repository.ts'
import { storable } from '../names.ts'
import { decodeBase64 } from './decode-base64.ts'
import { type PredictDeps, predict } from './predict.ts'
import type { PredictionInputs } from './rows.ts'
import {
  BODY_BYTES_MAX,
  PredictionQuery,
  type PredictionRequest,
  PredictionRequestSchema,
  PredictionResponseSchema,
} from './schemas.ts'

const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/webp', 'application/octet-stream']
const MULTIPART_IMAGES_MAX = 256

const name = storable({ maxLength: 100 })
const FileBody = { schema: Type.Unsafe<Buffer>({ format: 'binary' }) }

/** `/v1/models/{name}/…/predict`: images and numbers in, classes out. */
export const inferenceRoutes: FastifyPluginAsyncTypebox<PredictDeps> = async (app, deps) => {
  await app.register(multipart)
  for (const type of IMAGE_TYPES) {
    app.addContentTypeParser(type, { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
      done(null, body),
    )
  }

  const schema = {
    tags: ['predictions'],
    summary: 'Predict',
    description:
      'The body is an image (PNG, JPEG or WebP), a multipart form with one or more files named `image`, or JSON: ' +
      '`{ "images": [base64] }` or `{ "instances": [[…]] }` in the units of the training data.',
    querystring: PredictionQuery,
    body: {
      content: {
        'application/json': { schema: PredictionRequestSchema },
        ...Object.fromEntries(IMAGE_TYPES.map(type => [type, FileBody])),
      },
    },
    response: { 200: PredictionResponseSchema, ...problemResponses(400, 404, 409, 413, 415, 422, 503) },
  }
  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    reference: VersionReference & { name: string },
  ) => {
    const { topK = 5, includeInput = false } = request.query as Type.Static<typeof PredictionQuery>
    const inputs = await readInputs(request)
    return answerPureOnce(deps.db, { request, reply, body: inputs }, async () => ({
      status: 200,
      body: await predict(deps, reference.name, reference, inputs, { topK, includeInput }),
    }))
  }
  const bodyLimit = BODY_BYTES_MAX

  app.post(
    '/models/:name/predict',
    { bodyLimit, schema: { ...schema, params: Type.Object({ name }) } },
    async (request, reply) => answer(request, reply, request.params),
  )
  app.post(
    '/models/:name/versions/:version/predict',
    {
      bodyLimit,
      schema: {
        ...schema,
        params: Type.Object({ name, version: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }) }),
      },
    },
    async (request, reply) => answer(request, reply, request.params),
  )
  app.post(
    '/models/:name/aliases/:alias/predict',
    { bodyLimit, schema: { ...schema, params: Type.Object({ name, alias: Type.String() }) } },
    async (request, reply) => answer(request, reply, request.params),
  )
}

async function readInputs(request: FastifyRequest): Promise<PredictionInputs> {
  if (request.isMultipart()) return readMultipartImages(request)
  if (Buffer.isBuffer(request.body)) {
    return { kind: 'images', images: [{ pointer: '', content: request.body }] }
  }
  if (!request.body) {
    throw new AppError(
      'MALFORMED_REQUEST',
      'a body is required: an image, a multipart form or JSON; received none',
    )
  }
  const { images, instances } = request.body as PredictionRequest // checked by the schema of application/json
  if (instances) return { kind: 'instances', instances, pointer: '/instances' }
  return {
    kind: 'images',
    images: (images ?? []).map((text, index) => ({
      pointer: `/images/${index}`,
      content: decodeBase64(text, `/images/${index}`),
    })),
  }
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
