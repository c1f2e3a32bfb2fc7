import multipart from '@fastify/multipart'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Database } from '../db/client.ts'
import { abortOnClose } from '../http/abort-on-close.ts'
import { answerOnce, answerPureOnce } from '../http/idempotency/answer-once.ts'
import { fingerprintParts } from '../http/idempotency/fingerprint.ts'
import { readIdempotencyKey } from '../http/idempotency/key-header.ts'
import { readMultipart } from '../http/multipart.ts'
import { problemResponses } from '../http/problem-details.ts'
import { storable } from '../names.ts'
import { toPage } from '../pagination.ts'
import { readExamples, renderExample } from './examples.ts'
import {
  deleteDataset,
  getDataset,
  getStatistics,
  insertDataset,
  listDatasets,
  type StoredDataset,
} from './repository.ts'
import {
  type Dataset,
  DatasetListQuery,
  DatasetPageSchema,
  type DatasetPreview,
  DatasetPreviewSchema,
  DatasetReadQuery,
  DatasetSchema,
  DatasetStatisticsSchema,
  ExamplePageSchema,
  ExamplesQuery,
  SplitNameSchema,
  UploadQuery,
} from './schemas.ts'
import { inspectDataset, receiveDataset, type UploadDeps } from './upload.ts'
import { waitUntilProcessed } from './wait-until-processed.ts'

/** What the dataset routes work with. */
export interface DatasetDeps extends UploadDeps {
  db: Database
}

const DatasetParams = Type.Object({ id: storable({ description: 'Dataset id: ds_…' }) })
const tags = ['datasets']

const UPLOAD_DESCRIPTION =
  'multipart/form-data, streamed; files plain or gzip, told apart by their first bytes. Text parts come first: `name`; ' +
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
        consumes: ['multipart/form-data'],
        querystring: UploadQuery,
        response: {
          200: DatasetPreviewSchema,
          201: DatasetSchema,
          ...problemResponses(400, 409, 413, 415, 422, 507),
        },
      },
    },
    async (request, reply) => {
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

  app.get(
    '/datasets/:id/statistics',
    {
      schema: {
        tags,
        summary: 'Figures about each split',
        params: DatasetParams,
        response: { 200: DatasetStatisticsSchema, ...problemResponses(404) },
      },
    },
    async ({ params }) => getStatistics(deps.db, params.id),
  )

  app.get(
    '/datasets/:id/examples',
    {
      schema: {
        tags,
        summary: 'Look at examples',
        params: DatasetParams,
        querystring: ExamplesQuery,
        response: { 200: ExamplePageSchema, ...problemResponses(404, 422) },
      },
    },
    async ({ params, query: { split = 'train', offset = 0, limit = 20 } }) => {
      const dataset = await getDataset(deps.db, params.id)
      const examples = await readExamples(deps.blobs, dataset, split, offset, limit + 1)
      return toPage(
        examples,
        limit,
        example => example,
        example => String(example.index + 1),
      )
    },
  )

  app.get(
    '/datasets/:id/examples/:index/image.png',
    {
      schema: {
        tags,
        summary: 'An example as a picture',
        params: Type.Object({ id: storable(), index: Type.Integer({ minimum: 0 }) }),
        querystring: Type.Object({ split: Type.Optional(SplitNameSchema) }, { additionalProperties: false }),
        produces: ['image/png'],
      },
    },
    async ({ params, query }, reply) => {
      const dataset = await getDataset(deps.db, params.id)
      const image = await renderExample(deps.blobs, dataset, query.split ?? 'train', params.index)
      return reply.type('image/png').header('cache-control', 'private, max-age=86400, immutable').send(image)
    },
  )
}

/** Leaves out the names of blobs. */
function toWire(dataset: StoredDataset): Dataset {
  const splits = Object.fromEntries(
    Object.entries(dataset.splits).map(([name, { examples, classCounts }]) => [
      name,
      { examples, classCounts },
    ]),
  )
  return { ...dataset, splits }
}
