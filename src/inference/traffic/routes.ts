import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Database } from '../../db/client.ts'
import { AppError } from '../../errors.ts'
import { problemResponses } from '../../http/problem-details.ts'
import { findAlias } from '../../models/aliases/repository.ts'
import { getModel } from '../../models/repository.ts'
import { AliasNameSchema } from '../../models/schemas.ts'
import { storable } from '../../names.ts'
import { readTraffic } from './repository.ts'
import { presentTraffic, TrafficSchema } from './schemas.ts'

/** `/v1/models/{name}/aliases/{alias}/traffic`: what each version of an alias did. */
export const trafficRoutes: FastifyPluginAsyncTypebox<{ db: Database }> = async (app, { db }) => {
  app.get(
    '/models/:name/aliases/:alias/traffic',
    {
      schema: {
        tags: ['aliases'],
        summary: 'What each version of an alias did',
        description:
          'Counts, latency and agreement of all API processes together since the last move of the alias, or since the ' +
          'one that `move` names. They are about a second old.',
        params: Type.Object({ name: storable({ maxLength: 100 }), alias: AliasNameSchema }),
        querystring: Type.Object(
          { move: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 53 - 1 })) },
          { additionalProperties: false },
        ),
        response: { 200: TrafficSchema, ...problemResponses(404, 422) },
      },
    },
    async ({ params: { name, alias }, query }) => {
      await getModel(db, name)
      const state = await findAlias(db, name, alias)
      if (!state) throw new AppError('ALIAS_NOT_FOUND', `the model ${name} has no alias ${alias}`)
      const moveId = query.move ?? state.move
      const rows = await readTraffic(db, { modelName: name, alias, moveId })
      const answered = rows.reduce((sum, { role, requests }) => sum + (role === 'answer' ? requests : 0), 0)
      return {
        alias,
        move: moveId,
        targets: state.targets,
        shadow: state.shadow,
        versions: rows.map(row => presentTraffic(row, answered)),
      }
    },
  )
}
