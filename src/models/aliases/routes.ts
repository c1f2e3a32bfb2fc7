import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { AppError } from '../../errors.ts'
import { answerOnce } from '../../http/idempotency/answer-once.ts'
import { problemResponses } from '../../http/problem-details.ts'
import { storable } from '../../names.ts'
import { toPage } from '../../pagination.ts'
import { getModel, LATEST, resolveVersion } from '../repository.ts'
import { AliasNameSchema } from '../schemas.ts'
import type { VersionCache } from '../version-cache.ts'
import { deleteAlias } from './delete-alias.ts'
import { GatesSchema } from './gates.ts'
import { type AliasDeps, moveAlias } from './move-alias.ts'
import {
  deleteGates,
  findActor,
  findAlias,
  findGates,
  listAliases,
  listMoves,
  saveGates,
} from './repository.ts'
import { rollBackAlias } from './roll-back.ts'
import {
  AliasGatesSchema,
  AliasMovePageSchema,
  AliasSchema,
  type AliasState,
  MovedAliasSchema,
} from './schemas.ts'
import { AliasRequestSchema, readAllocation } from './state.ts'

const name = storable({ maxLength: 100 })
const AliasParams = Type.Object({
  name,
  alias: Type.Intersect([AliasNameSchema, Type.Unsafe<string>({ not: { const: LATEST } })]),
})
const HistoryQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
    after: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 2 ** 53 - 1, description: '`nextCursor` of the page before.' }),
    ),
  },
  { additionalProperties: false },
)
const Force = Type.Object(
  {
    force: Type.Optional(
      Type.Boolean({ default: false, description: 'Move though gates fail; the history keeps which.' }),
    ),
  },
  { additionalProperties: false },
)
const Reason = Type.Object({ reason: AliasRequestSchema.properties.reason }, { additionalProperties: false })
const tags = ['aliases']

/** What the routes of aliases work with. */
export interface AliasRouteDeps extends AliasDeps {
  versions: Pick<VersionCache, 'renew'>
}

/** `/v1/models/{name}/aliases`: where traffic goes, who sent it there, and what a version must fulfil for it. */
export const aliasRoutes: FastifyPluginAsyncTypebox<AliasRouteDeps> = async (app, deps) => {
  const { db, versions } = deps
  /** Whoever moved an alias and then predicts meets the new one, if the same process answers. */
  const meetTheChange = async (request: FastifyRequest<{ Params: Type.Static<typeof AliasParams> }>) =>
    versions.renew(request.params.name)
  const readAlias = async (model: string, alias: string): Promise<AliasState> => {
    await getModel(db, model)
    const state = await findAlias(db, model, alias)
    if (!state) throw new AppError('ALIAS_NOT_FOUND', `the model ${model} has no alias ${alias}`)
    return state
  }
  const noGates = (alias: string) => new AppError('GATES_NOT_FOUND', `the alias ${alias} has no gates`)

  app.get(
    '/models/:name/aliases',
    {
      schema: {
        tags,
        summary: 'List aliases',
        description: 'But for `latest`, which is the newest version by itself.',
        params: Type.Object({ name }),
        response: { 200: Type.Object({ data: Type.Array(AliasSchema) }), ...problemResponses(404) },
      },
    },
    async ({ params }) => {
      await getModel(db, params.name)
      return { data: await listAliases(db, params.name) }
    },
  )

  app.get(
    '/models/:name/aliases/:alias',
    {
      schema: {
        tags,
        summary: 'Read an alias',
        params: AliasParams,
        response: { 200: AliasSchema, ...problemResponses(404, 422) },
      },
    },
    async ({ params }) => readAlias(params.name, params.alias),
  )

  app.put(
    '/models/:name/aliases/:alias',
    {
      onSend: meetTheChange,
      schema: {
        tags,
        summary: 'Point an alias to a version, or to several by weight',
        description:
          '`production` is what predictions without version or alias use. `latest` cannot be set. `targets` splits the ' +
          'traffic by weight; `shadow` computes the same besides, for comparison. 409 when a version that shall answer ' +
          'fails the gates of the alias.',
        params: AliasParams,
        querystring: Force,
        body: AliasRequestSchema,
        response: { 200: MovedAliasSchema, ...problemResponses(404, 409, 422, 503) },
      },
    },
    async ({ params, query: { force = false }, body, apiKeyId }) => {
      const { reason = null } = body
      await moveAlias(deps, { ...params, reason, apiKeyId }, readAllocation(body), force)
      const state = await readAlias(params.name, params.alias)
      return {
        ...(await resolveVersion(db, params.name, { version: state.version })),
        ...allocationOf(state),
      }
    },
  )

  app.delete(
    '/models/:name/aliases/:alias',
    {
      onSend: meetTheChange,
      schema: {
        tags,
        summary: 'Remove an alias',
        description: 'Its history and its gates stay.',
        params: AliasParams,
        response: { 204: Type.Null(), ...problemResponses(404, 422) },
      },
    },
    async ({ params, apiKeyId }, reply) => {
      await deleteAlias(deps, { ...params, reason: null, apiKeyId })
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/models/:name/aliases/:alias/rollback',
    {
      onSend: meetTheChange,
      schema: {
        tags,
        summary: 'Take the last move back',
        description:
          'A second one goes one move further. Gates are not asked. A body is not needed; `reason` goes into the history.',
        params: AliasParams,
        body: Type.Union([Reason, Type.Null()]),
        response: { 200: AliasSchema, ...problemResponses(404, 409, 422) },
      },
    },
    async (request, reply) =>
      answerOnce<AliasState>(db, { request, reply }, async tx => {
        const { params, body, apiKeyId } = request
        await getModel(tx, params.name)
        await rollBackAlias({ db: tx }, { ...params, reason: body?.reason ?? null, apiKeyId })
        const state = await findAlias(tx, params.name, params.alias)
        if (!state) throw new Error('an alias that was rolled back must exist')
        return { status: 200, body: state }
      }),
  )

  app.get(
    '/models/:name/aliases/:alias/history',
    {
      schema: {
        tags,
        summary: 'Who moved an alias, when and why',
        description: 'Newest first.',
        params: AliasParams,
        querystring: HistoryQuery,
        response: { 200: AliasMovePageSchema, ...problemResponses(404, 422) },
      },
    },
    async ({ params, query: { limit = 20, after } }) => {
      await getModel(db, params.name)
      const moves = await listMoves(db, params.name, params.alias, { limit, after })
      if (moves.length === 0 && after === undefined) await readAlias(params.name, params.alias)
      return toPage(
        moves,
        limit,
        move => move,
        move => String(move.id),
      )
    },
  )

  app.get(
    '/models/:name/aliases/:alias/gates',
    {
      schema: {
        tags,
        summary: 'Read the gates of an alias',
        params: AliasParams,
        response: { 200: AliasGatesSchema, ...problemResponses(404, 422) },
      },
    },
    async ({ params }) => {
      await getModel(db, params.name)
      const found = await findGates(db, params.name, params.alias)
      if (!found) throw noGates(params.alias)
      return found.wire
    },
  )

  app.put(
    '/models/:name/aliases/:alias/gates',
    {
      schema: {
        tags,
        summary: 'Set the gates of an alias',
        description:
          'In place of those before; the alias need not exist yet. They count from the next move on.',
        params: AliasParams,
        body: GatesSchema,
        response: { 200: AliasGatesSchema, ...problemResponses(404, 422) },
      },
    },
    async ({ params, body, apiKeyId }) => {
      await getModel(db, params.name)
      await saveGates(db, params.name, params.alias, body, await findActor(db, apiKeyId))
      const found = await findGates(db, params.name, params.alias)
      if (!found) throw noGates(params.alias)
      return found.wire
    },
  )

  app.delete(
    '/models/:name/aliases/:alias/gates',
    {
      schema: {
        tags,
        summary: 'Remove the gates of an alias',
        params: AliasParams,
        response: { 204: Type.Null(), ...problemResponses(404, 422) },
      },
    },
    async ({ params }, reply) => {
      await getModel(db, params.name)
      if (!(await findGates(db, params.name, params.alias))) throw noGates(params.alias)
      await deleteGates(db, params.name, params.alias)
      return reply.code(204).send(null)
    },
  )
}

function allocationOf({ targets, shadow }: AliasState) {
  return { targets, shadow }
}
