import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { readAnyBody, takeAnyBody } from '../../http/any-body.ts'
import { answerPureOnce } from '../../http/idempotency/answer-once.ts'
import { createJsonParser } from '../../http/json-parser.ts'
import { plainErrorResponses } from '../../http/plain-errors.ts'
import { compileBody, leaveBody } from '../../http/validation.ts'
import { getModel } from '../../models/repository.ts'
import { createInterfaces, loadInterface } from '../named-inputs/model-interface.ts'
import { describeModel } from './describe-model.ts'
import { inferRoutes } from './infer/routes.ts'
import { indexModels, loadModel, refuseOverrides, unloadModel } from './load-models.ts'
import { ModelParams, readReference, VersionParams } from './read-reference.ts'
import {
  IndexRequestSchema,
  IndexSchema,
  LoadRequestSchema,
  ModelMetadataSchema,
  ServerMetadataSchema,
} from './schemas.ts'
import { describeServer, type OpenInferenceDeps } from './server-metadata.ts'

/** Bytes of a request that is not to infer. */
const BODY_BYTES_MAX = 64 * 1024

const tags = ['open inference protocol']

/**
 * `/v2`: the Open Inference Protocol for the models of the registry.
 * @see https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
 */
export const openInferenceRoutes: FastifyPluginAsyncTypebox<OpenInferenceDeps> = async (app, deps) => {
  const whole = { ...deps, interfaceOf: createInterfaces() }
  await app.register(inferRoutes, whole)
  takeAnyBody(app, BODY_BYTES_MAX)
  const parseJson = createJsonParser(app)
  const checkIndex = compileBody(app, IndexRequestSchema)
  const checkLoad = compileBody(app, LoadRequestSchema)
  const readJson = async (request: FastifyRequest, check: (body: unknown) => void) => {
    const text = (await readAnyBody(request, BODY_BYTES_MAX)).toString('utf8')
    const value = text.trim() === '' ? {} : parseJson(request, text)
    check(value)
    return value
  }

  const health = { logLevel: 'silent' as const, config: { needsNoKey: true } }
  app.get(
    '/health/live',
    {
      ...health,
      schema: {
        tags,
        summary: 'Is the process alive',
        security: [],
        response: { 200: Type.Object({ live: Type.Literal(true) }) },
      },
    },
    async () => ({ live: true as const }),
  )
  const ReadySchema = Type.Object({ ready: Type.Boolean() })
  app.get(
    '/health/ready',
    {
      ...health,
      schema: {
        tags,
        summary: 'Can it predict',
        security: [],
        response: { 200: ReadySchema, 503: ReadySchema },
      },
    },
    async (_request, reply) => {
      const ready = await deps.isReady()
      return reply.code(ready ? 200 : 503).send({ ready })
    },
  )

  app.get(
    '/',
    {
      schema: {
        tags,
        summary: 'Server metadata',
        response: { 200: ServerMetadataSchema, ...plainErrorResponses() },
      },
    },
    async () => describeServer(deps),
  )

  const metadata = {
    tags,
    summary: 'Model metadata',
    response: { 200: ModelMetadataSchema, ...plainErrorResponses(404, 503) },
  }
  app.get('/models/:name', { schema: { ...metadata, params: ModelParams } }, async ({ params: { name } }) => {
    const version = await deps.versions.resolve(name, {})
    const { versions } = await getModel(deps.db, name)
    return describeModel(name, versions, await loadInterface(whole, version))
  })
  app.get(
    '/models/:name/versions/:version',
    { schema: { ...metadata, params: VersionParams } },
    async ({ params: { name, version } }) => {
      const found = await deps.versions.resolve(name, readReference(version))
      return describeModel(name, [found.version], await loadInterface(whole, found))
    },
  )

  const ready = {
    tags,
    summary: 'Can the model predict',
    description: 'It is loaded for that; a model that cannot be is a 503.',
    response: {
      200: Type.Object({ name: Type.String(), ready: Type.Literal(true) }),
      ...plainErrorResponses(404, 503),
    },
  }
  app.get(
    '/models/:name/ready',
    { schema: { ...ready, params: ModelParams } },
    async ({ params: { name } }) => {
      await loadInterface(whole, await deps.versions.resolve(name, {}))
      return { name, ready: true as const }
    },
  )
  app.get(
    '/models/:name/versions/:version/ready',
    { schema: { ...ready, params: VersionParams } },
    async ({ params: { name, version } }) => {
      await loadInterface(whole, await deps.versions.resolve(name, readReference(version)))
      return { name, ready: true as const }
    },
  )

  const options = { validatorCompiler: leaveBody(app) }
  app.post(
    '/repository/index',
    {
      ...options,
      schema: {
        tags,
        summary: 'Every version and whether it is in memory',
        body: IndexRequestSchema,
        response: { 200: IndexSchema, ...plainErrorResponses(503) },
      },
    },
    async (request, reply) =>
      answerPureOnce(deps.db, { request, reply }, async () => {
        const { ready: isReady = false } = (await readJson(request, checkIndex)) as Type.Static<
          typeof IndexRequestSchema
        >
        return { status: 200, body: await indexModels(deps, isReady) }
      }),
  )
  for (const [action, summary, work] of [
    ['load', 'Load a model, to stay in memory', loadModel],
    ['unload', 'Free the memory of a model', unloadModel],
  ] as const) {
    app.post(
      `/repository/models/:name/${action}`,
      {
        ...options,
        schema: {
          tags,
          summary,
          description: 'In the process that answers. The next request loads what is not in memory.',
          params: ModelParams,
          body: LoadRequestSchema,
          response: { 200: Type.Object({}), ...plainErrorResponses(404, 503) },
        },
      },
      async (request, reply) =>
        answerPureOnce(deps.db, { request, reply }, async () => {
          const { parameters = {} } = (await readJson(request, checkLoad)) as Type.Static<
            typeof LoadRequestSchema
          >
          refuseOverrides(parameters)
          await work(deps, request.params.name)
          return { status: 200, body: {} }
        }),
    )
  }
}
