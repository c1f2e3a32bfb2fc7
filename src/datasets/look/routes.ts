import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Database } from '../../db/client.ts'
import { problemResponses } from '../../http/problem-details.ts'
import { storable } from '../../names.ts'
import { toPage } from '../../pagination.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import { describeChanges } from '../changes/describe-changes.ts'
import { ChangesQuery, DatasetChangesSchema } from '../changes/schemas.ts'
import { readExamples, renderExample } from '../examples.ts'
import { renderGrid } from '../grid/render-grid.ts'
import { createTurns } from '../in-turn.ts'
import { getDataset } from '../repository.ts'
import { ExamplePageSchema, ExamplesQuery, GridQuery, SplitNameSchema } from '../schemas.ts'
import { createDatasetDescriber } from '../statistics/describe-dataset.ts'
import { DatasetStatisticsSchema } from '../statistics/schemas.ts'

/** What a look at datasets works with. */
export interface LookDeps {
  db: Database
  blobs: BlobStore
}

const DatasetParams = Type.Object({ id: storable({ description: 'Dataset id: ds_…' }) })
const tags = ['datasets']

/** `/v1/datasets/{id}/…`: figures, changes, examples and pictures of them. */
export const lookRoutes: FastifyPluginAsyncTypebox<LookDeps> = async (app, deps) => {
  const inTurn = createTurns()
  const describe = createDatasetDescriber({ ...deps, inTurn })

  app.get(
    '/datasets/:id/statistics',
    {
      schema: {
        tags,
        summary: 'Look at the data: columns, classes, duplicates',
        description:
          'Found at the first request, which takes seconds for hundreds of megabytes, and then kept.',
        params: DatasetParams,
        response: { 200: DatasetStatisticsSchema, ...problemResponses(404, 409, 503) },
      },
    },
    async ({ params }) => describe(params.id),
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

  app.get(
    '/datasets/:id/changes',
    {
      schema: {
        tags,
        summary: 'What changed since another version',
        params: DatasetParams,
        querystring: ChangesQuery,
        response: { 200: DatasetChangesSchema, ...problemResponses(404, 409, 422) },
      },
    },
    async ({ params, query }) => describeChanges({ ...deps, inTurn }, params.id, query.since ?? null),
  )

  app.get(
    '/datasets/:id/preview.png',
    {
      schema: {
        tags,
        summary: 'A grid of images, chosen at random',
        description: 'Each with its label and its index. The same seed chooses the same images.',
        params: DatasetParams,
        querystring: GridQuery,
        produces: ['image/png'],
      },
    },
    async ({ params, query }, reply) => {
      const { split = 'train', rows = 4, columns = 8, class: className = null, seed = 0 } = query
      const dataset = await getDataset(deps.db, params.id)
      const image = await renderGrid(deps.blobs, dataset, { split, rows, columns, className, seed })
      return reply.type('image/png').header('cache-control', 'private, max-age=86400, immutable').send(image)
    },
  )
}
