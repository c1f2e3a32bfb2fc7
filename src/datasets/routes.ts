import multipart from '@fastify/multipart'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Database } from '../db/client.ts'
import { abortOnClose } from '../http/abort-on-close.ts'
import { answerOnce, answerPreparedOnce, answerPureOnce, type Post } from '../http/idempotency/answer-once.ts'
import { fingerprintParts } from '../http/idempotency/fingerprint.ts'
import { readIdempotencyKey } from '../http/idempotency/key-header.ts'
import { readMultipart } from '../http/multipart.ts'
import { prefersAsync } from '../http/prefer-async.ts'
import { problemResponses } from '../http/problem-details.ts'
import { storable } from '../names.ts'
import { toPage } from '../pagination.ts'
import { lookRoutes } from './look/routes.ts'
import { ANSWERED_BYTES_MAX, checkUploads, readParts } from './processing/create-from-uploads.ts'
import { insertTask } from './processing/repository.ts'
import {
  readUploadsRequest,
  type UploadsRequest,
  UploadsRequestSchema,
} from './processing/uploads-request.ts'
import { deleteDataset, insertDataset, listDatasets, type StoredDataset } from './repository.ts'
import {
  type Dataset,
  DatasetListQuery,
  DatasetPageSchema,
  type DatasetPreview,
  DatasetPreviewSchema,
  DatasetReadQuery,
  DatasetSchema,
  UploadQuery,
} from './schemas.ts'
import { inspectDataset, receiveDataset, type UploadDeps } from './upload.ts'
import { waitUntilProcessed } from './wait-until-processed.ts'

/** What the dataset routes work with. */
export interface DatasetDeps extends UploadDeps {
  db: Database
  uploadHours: number
  /** There is a dataset to be processed in the background. */
  onTask: () => void
}

const DatasetParams = Type.Object({ id: storable({ description: 'Dataset id: ds_…' }) })
const tags = ['datasets']

const UPLOAD_DESCRIPTION =
  'multipart/form-data, streamed, or JSON with the ids of uploads in place of files: the same fields, and `files`. ' +
  'Files of uploads that have more than 64 MiB together, or any with `Prefer: respond-async`, are read after the answer, ' +
  'which is 202 then; `GET /v1/datasets/{id}?waitSeconds=60` waits for the end. Files plain or gzip, told apart by their first bytes. Text parts come first: `name`; ' +
  '`format` to be sure of it; of a table `target` (a column, or a JSON list of them; default `label`, then `target`, ' +
  'then the last), `task`, `columns` (a JSON object that corrects types: numeric, boolean, categorical, datetime, id, ' +
  'text), `splitColumn`, `delimiter`, `header`; of images `imageSize` (28x28), `colour` (grey, colour) and ' +
  '`fit` (fill, contain, cover). Then the ' +
  'files: `file`, or `train`, `validation`, `test`, each CSV, TSV, JSON Lines, Parquet, NPZ, NPY or a ZIP of images in ' +
  'folders of their classes; or NPY as `trainX`, `trainY`, `validationX`, `validationY`, `testX`, `testY`; or IDX as `trainImages`, `trainLabels`, `testImages`, `testLabels`.'

/** `/v1/datasets`: upload, list, look at, delete. */
export const datasetRoutes: FastifyPluginAsyncTypebox<DatasetDeps> = async (app, deps) => {
  await app.register(multipart)
  app.post(
    '/datasets',
    {
      schema: {
        tags,
        summary: 'Upload a dataset',
        description: UPLOAD_DESCRIPTION,
        body: { content: { ...MULTIPART, 'application/json': { schema: UploadsRequestSchema } } },
        querystring: UploadQuery,
        response: {
          200: DatasetPreviewSchema,
          201: DatasetSchema,
          202: DatasetSchema,
          ...problemResponses(400, 409, 413, 415, 422, 503, 507),
        },
      },
    },
    async (request, reply) => {
      if (request.body) return createFromUploads(deps, request, reply)
      const received = readMultipart(request, { fileBytesMax: deps.uploadBytesMax })
      const body = fingerprintParts(received, readIdempotencyKey(request) !== null)
      if (request.query.dryRun) {
        const preview = await inspectDataset(deps, body.parts)
        const post = { request, reply, body: body.contents() }
        return answerPureOnce<DatasetPreview>(deps.db, post, async () => ({ status: 200, body: preview }))
      }
      const dataset = await receiveDataset(deps, body.parts)
      return answerOnce(deps.db, { request, reply, body: body.contents() }, async db => {
        const stored = await insertDataset(db, dataset)
        return { status: 201, location: `/v1/datasets/${stored.id}`, body: toWire(stored) }
      })
    },
  )

  app.get(
    '/datasets',
    {
      schema: {
        tags,
        summary: 'List datasets',
        querystring: DatasetListQuery,
        response: { 200: DatasetPageSchema, ...problemResponses(422) },
      },
    },
    async ({ query }) => {
      const limit = query.limit ?? 20
      const rows = await listDatasets(deps.db, { ...query, limit })
      return toPage(rows, limit, toWire, row => row.id)
    },
  )

  app.get(
    '/datasets/:id',
    {
      schema: {
        tags,
        summary: 'Read a dataset',
        params: DatasetParams,
        querystring: DatasetReadQuery,
        response: { 200: DatasetSchema, ...problemResponses(404, 422) },
      },
    },
    async (request, reply) => {
      const { waitSeconds = 0 } = request.query
      const signal = abortOnClose(request, reply)
      return toWire(await waitUntilProcessed(deps.db, request.params.id, waitSeconds, signal))
    },
  )

  app.delete(
    '/datasets/:id',
    {
      schema: {
        tags,
        summary: 'Delete a dataset',
        params: DatasetParams,
        response: { 204: Type.Null(), ...problemResponses(404, 409) },
      },
    },
    async ({ params }, reply) => {
      await deleteDataset(deps.db, params.id)
      return reply.code(204).send(null)
    },
  )

  await app.register(lookRoutes, deps)
}

/** Any multipart body is read by its route. */
const MULTIPART = { 'multipart/form-data': { schema: {} } }

/** Makes a dataset of uploads at once, or later when they are large. */
async function createFromUploads(
  deps: DatasetDeps,
  request: FastifyRequest<{ Querystring: Type.Static<typeof UploadQuery> }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const post: Post = { request, reply }
  const source = readUploadsRequest(request.body as UploadsRequest) // fits its schema
  const check = () => checkUploads(deps.db, request.apiKeyId ?? '', source)
  if (request.query.dryRun) {
    return answerPureOnce<DatasetPreview>(deps.db, post, async () => {
      await check()
      return { status: 200, body: await inspectDataset(deps, readParts(deps, source)) }
    })
  }
  const prepare = async () => {
    const isLater = (await check()) > ANSWERED_BYTES_MAX || prefersAsync(request)
    return isLater ? null : receiveDataset(deps, readParts(deps, source))
  }
  const answered = await answerPreparedOnce(deps.db, post, prepare, async (db, received) => {
    const name = source.options.name ?? ''
    const dataset = received
      ? await insertDataset(db, received)
      : await insertTask(db, name, source, deps.uploadHours)
    return {
      status: received ? 201 : 202,
      location: `/v1/datasets/${dataset.id}`,
      body: toWire(dataset),
    }
  })
  deps.onTask()
  return answered
}

/** Leaves out the names of blobs. */
function toWire(dataset: StoredDataset): Dataset {
  const splits = Object.fromEntries(
    Object.entries(dataset.splits).map(([name, { examples, classCounts }]) => [
      name,
      { examples, classCounts },
    ]),
  )
  const unknown = { format: null, kind: null, dtype: null, task: null }
  return { ...dataset, ...(dataset.status !== 'ready' && unknown), splits }
}
