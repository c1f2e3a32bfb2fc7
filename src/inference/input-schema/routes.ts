import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problemResponses } from '../../http/problem-details.ts'
import type { VersionCache } from '../../models/version-cache.ts'
import { storable } from '../../names.ts'
import type { PredictorCache } from '../predictor-cache.ts'
import { buildInputSchema } from './build-input-schema.ts'

const SCHEMA_TYPE = 'application/schema+json'

/** What telling of inputs works with. */
export interface InputSchemaDeps {
  versions: VersionCache
  predictors: PredictorCache
}

/** `/v1/models/{name}/versions/{version}/input-schema`. */
export const inputSchemaRoutes: FastifyPluginAsyncTypebox<InputSchemaDeps> = async (app, deps) => {
  app.get(
    '/models/:name/versions/:version/input-schema',
    {
      schema: {
        tags: ['predictions'],
        summary: 'What a version takes',
        description:
          'The JSON body of `…/predict` for this version, as JSON Schema (2020-12): columns with their types, categories ' +
          'and ranges, or the shape of numbers, with a body in `examples` that can be posted as it is.',
        params: Type.Object({
          name: storable({ maxLength: 100 }),
          version: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }),
        }),
        response: {
          200: { description: 'JSON Schema', content: { [SCHEMA_TYPE]: { schema: Type.Object({}) } } },
          ...problemResponses(404, 422, 503),
        },
      },
    },
    async ({ params }, reply) => {
      const version = await deps.versions.resolve(params.name, params)
      const { manifest } = await deps.predictors.get(version)
      return reply
        .type(SCHEMA_TYPE)
        .serializer(JSON.stringify)
        .send(buildInputSchema(version.name, version.version, manifest))
    },
  )
}
