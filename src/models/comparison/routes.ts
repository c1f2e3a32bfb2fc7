import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Database } from '../../db/client.ts'
import { problemResponses } from '../../http/problem-details.ts'
import { storable } from '../../names.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import { compareVersions } from './compare.ts'
import { ComparisonSchema } from './schemas.ts'

const Version = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })

/** `/v1/models/{name}/compare`: two versions side by side. */
export const comparisonRoutes: FastifyPluginAsyncTypebox<{ db: Database; blobs: BlobStore }> = async (
  app,
  deps,
) => {
  app.get(
    '/models/:name/compare',
    {
      schema: {
        tags: ['models'],
        summary: 'Compare two versions',
        description:
          'Metrics, classes and confusion side by side, McNemar’s test, and the examples that the two take for different ' +
          'classes. Both must have been evaluated on the same examples; 409 says why they cannot be compared.',
        params: Type.Object({ name: storable({ maxLength: 100 }) }),
        querystring: Type.Object(
          {
            a: Version,
            b: Version,
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 20 })),
            after: Type.Optional(
              Type.Integer({
                minimum: 0,
                maximum: 2 ** 31 - 1,
                description: '`changed.nextCursor` of the page before.',
              }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: ComparisonSchema, ...problemResponses(404, 409, 422, 503) },
      },
    },
    async ({ params, query: { a, b, limit = 20, after } }) =>
      compareVersions(deps, params.name, { a, b, limit, after }),
  )
}
