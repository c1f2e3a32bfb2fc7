import multipart from '@fastify/multipart'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Database } from '../db/client.ts'
import type { Listener } from '../db/listen.ts'
import { AppError } from '../errors.ts'
import { abortOnClose } from '../http/abort-on-close.ts'
import { readByteRange } from '../http/byte-range.ts'
import { answerOnce } from '../http/idempotency/answer-once.ts'
import { fingerprintParts } from '../http/idempotency/fingerprint.ts'
import { readIdempotencyKey } from '../http/idempotency/key-header.ts'
import { readMultipart } from '../http/multipart.ts'
import { problemResponses } from '../http/problem-details.ts'
import { compileBody, leaveBody } from '../http/validation.ts'
import type { PredictorCache } from '../inference/predictor-cache.ts'
import { storable } from '../names.ts'
import { toPage } from '../pagination.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { cancelBatchPrediction } from './cancel.ts'
import { deleteBatchPrediction } from './delete.ts'
import { readOutput } from './read-output.ts'
import { receiveUpload } from './receive-upload.ts'
import { getBatch, getBatchRow, insertBatch, listBatches } from './repository.ts'
import {
  type Batch,
  BatchListQuery,
  BatchPageSchema,
  BatchReadQuery,
  type BatchRequest,
  BatchRequestSchema,
  BatchSchema,
  OUTPUT_TYPES,
} from './schemas.ts'
import { chooseModel, describeBatch, submitBatch } from './submit.ts'
import { waitUntilEnded } from './wait-until-ended.ts'

/** What the routes of batch predictions work with. */
export interface BatchDeps {
  db: Database
  listener: Listener
  blobs: BlobStore
  predictors: PredictorCache
  uploadBytesMax: number
}

const BatchParams = Type.Object({ id: storable({ description: 'Id of a batch prediction: batch_…' }) })
const tags = ['predictions']

const DESCRIPTION =
  'Predicts all examples of a dataset’s split, or all rows of a file, in the background. JSON names the dataset. Or ' +
  '`multipart/form-data`: text parts `model` (its name), `version` or `alias`, `output`; then `file`: CSV or TSV with a ' +
  'header, plain or gzip, for a model of a table. Rows that cannot be read get an error in the output, and harm no other. ' +
  'Where the rows have labels, there is an evaluation.'

/** `/v1/batch-predictions`: submit, list, read, cancel, delete, download. */
export const batchRoutes: FastifyPluginAsyncTypebox<BatchDeps> = async (app, deps) => {
  await app.register(multipart)
  const check = compileBody(app, BatchRequestSchema)

  app.post(
    '/batch-predictions',
    {
      validatorCompiler: leaveBody(app),
      schema: {
        tags,
        summary: 'Submit a batch prediction',
        description: DESCRIPTION,
        body: {
          content: {
            'application/json': { schema: BatchRequestSchema },
            'multipart/form-data': { schema: Type.Object({}) },
          },
        },
        response: { 202: BatchSchema, ...problemResponses(400, 404, 409, 413, 415, 422, 503, 507) },
      },
    },
    async (request, reply) => {
      const accept = async (db: Database, id: string) => {
        request.log.info({ batchId: id }, 'batch prediction submitted')
        return { status: 202, location: `/v1/batch-predictions/${id}`, body: await getBatch(db, id) }
      }
      if (!request.isMultipart()) {
        check(request.body)
        return answerOnce<Batch>(deps.db, { request, reply }, async db => {
          const body = request.body as BatchRequest // checked just now
          return accept(db, await submitBatch({ ...deps, db }, body, request.apiKeyId))
        })
      }
      const { received, contents } = await readUpload(deps, request)
      return answerOnce<Batch>(deps.db, { request, reply, body: contents }, async db => {
        const { model, input, output, warnings } = received
        const rest = { datasetId: null, split: null, output, warnings, apiKeyId: request.apiKeyId }
        const batch = describeBatch(model, input, rest)
        await insertBatch(db, batch)
        return accept(db, batch.id)
      })
    },
  )

  app.get(
    '/batch-predictions',
    {
      schema: {
        tags,
        summary: 'List batch predictions',
        description: 'Newest first.',
        querystring: BatchListQuery,
        response: { 200: BatchPageSchema, ...problemResponses(422) },
      },
    },
    async ({ query }) => {
      const { limit = 20, ...rest } = query
      const batches = await listBatches(deps.db, { ...rest, limit })
      return toPage(
        batches,
        limit,
        batch => batch,
        batch => batch.id,
      )
    },
  )

  app.get(
    '/batch-predictions/:id',
    {
      schema: {
        tags,
        summary: 'Read a batch prediction',
        params: BatchParams,
        querystring: BatchReadQuery,
        response: { 200: BatchSchema, ...problemResponses(404, 422) },
      },
    },
    async (request, reply) => {
      const { waitSeconds = 0 } = request.query
      return waitUntilEnded(deps, request.params.id, waitSeconds, abortOnClose(request, reply))
    },
  )

  app.get(
    '/batch-predictions/:id/output',
    {
      schema: {
        tags,
        summary: 'Download the predictions',
        description:
          'One record for each row, in their order: `row` (from 0), then as in the answer to CSV, `error` last. JSON Lines ' +
          'have the row’s prediction as in JSON. A `Range` of bytes is answered with 206.',
        params: BatchParams,
        produces: [...new Set(Object.values(OUTPUT_TYPES))],
      },
    },
    async ({ params, headers }, reply) => {
      const { id, output, outputSha256: sha256, outputBytes, status } = await getBatchRow(deps.db, params.id)
      if (sha256 === null) {
        throw new AppError(
          'RESULT_NOT_AVAILABLE',
          `the batch prediction must have succeeded; it is ${status}`,
        )
      }
      const bytes = Number(outputBytes)
      const tag = `"${sha256}"`
      reply
        .type(OUTPUT_TYPES[output as keyof typeof OUTPUT_TYPES]) // a CHECK keeps it to these
        .header('content-disposition', `attachment; filename="${id}.${output}"`)
        .header('accept-ranges', 'bytes')
        .header('etag', tag)
      const isSame = headers['if-range'] === undefined || headers['if-range'] === tag
      const range = isSame ? readByteRange(headers.range, bytes) : null
      if (range) reply.code(206).header('content-range', `bytes ${range.from}-${range.to}/${bytes}`)
      reply.header('content-length', range ? range.to + 1 - range.from : bytes)
      return reply.send(readOutput(deps.blobs, sha256, range))
    },
  )

  app.post(
    '/batch-predictions/:id/cancel',
    {
      schema: {
        tags,
        summary: 'Cancel a batch prediction',
        description: 'A queued one ends at once, a running one within seconds. It has no output.',
        params: BatchParams,
        response: { 200: BatchSchema, ...problemResponses(404, 409) },
      },
    },
    async (request, reply) =>
      answerOnce(deps.db, { request, reply }, async db => {
        await cancelBatchPrediction(db, request.params.id)
        return { status: 200, body: await getBatch(db, request.params.id) }
      }),
  )

  app.delete(
    '/batch-predictions/:id',
    {
      schema: {
        tags,
        summary: 'Delete a batch prediction',
        description: 'Only one that has ended. Its output goes with it.',
        params: BatchParams,
        response: { 204: Type.Null(), ...problemResponses(404, 409) },
      },
    },
    async ({ params }, reply) => {
      await deleteBatchPrediction(deps.db, params.id)
      return reply.code(204).send(null)
    },
  )
}

async function readUpload(deps: BatchDeps, request: FastifyRequest) {
  const body = fingerprintParts(
    readMultipart(request, { fileBytesMax: deps.uploadBytesMax }),
    readIdempotencyKey(request) !== null,
  )
  const choose = (reference: Parameters<typeof chooseModel>[1]) => chooseModel(deps, reference)
  const received = await receiveUpload({ ...deps, choose }, body.parts)
  return { received, contents: body.contents() }
}
