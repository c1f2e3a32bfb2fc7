import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { readAnyBody, takeAnyBody } from '../../http/any-body.ts'
import { registerBackPressure } from '../../http/back-pressure.ts'
import { answerPureOnce } from '../../http/idempotency/answer-once.ts'
import { createJsonParser } from '../../http/json-parser.ts'
import { plainErrorResponses } from '../../http/plain-errors.ts'
import { readDeadline } from '../../http/prefer-wait.ts'
import { compileBody, leaveBody } from '../../http/validation.ts'
import type { VersionReference } from '../../models/repository.ts'
import { VersionStatusSchema } from '../../models/schemas.ts'
import { describeStatus } from '../../models/version-status.ts'
import { storable } from '../../names.ts'
import { createInterfaces, loadInterface } from '../named-inputs/model-interface.ts'
import type { PredictDeps } from '../predict.ts'
import { BODY_BYTES_MAX } from '../schemas.ts'
import { readSession } from '../traffic/read-session.ts'
import { answerExamples, answerPredict } from './answer.ts'
import { describeMetadata } from './describe-metadata.ts'
import {
  type ExamplesRequestJson,
  ExamplesRequestSchema,
  MetadataSchema,
  type PredictRequestJson,
  PredictRequestSchema,
  PredictResponseSchema,
  ResultsSchema,
} from './schemas.ts'
import type { Method } from './signatures.ts'

const name = storable({ maxLength: 100 })
const version = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })
const label = storable({ maxLength: 63, description: 'An alias.' })

/** The ways to a model: by itself, by the number of a version, and by a label, which is an alias here. */
const PLACES = [
  { path: '/models/:name', params: Type.Object({ name }) },
  { path: '/models/:name/versions/:version', params: Type.Object({ name, version }) },
  { path: '/models/:name/labels/:label', params: Type.Object({ name, label }) },
] as const

interface PlaceParams {
  name: string
  version?: number
  label?: string
}

const SUMMARIES: Record<Method, string> = {
  predict: 'Predict as TensorFlow Serving',
  classify: 'Classify as TensorFlow Serving',
  regress: 'Regress as TensorFlow Serving',
}

const tags = ['tensorflow serving']

/**
 * TensorFlow Serving's REST API under `/v1/models`, for the models of the registry. The status of a model and of a
 * version stands in what the registry tells of them.
 * @see https://www.tensorflow.org/tfx/serving/api_rest
 */
export const tensorflowServingRoutes: FastifyPluginAsyncTypebox<PredictDeps> = async (app, deps) => {
  await registerBackPressure(app)
  takeAnyBody(app, BODY_BYTES_MAX)
  const parseJson = createJsonParser(app)
  const checkPredict = compileBody(app, PredictRequestSchema)
  const checkExamples = compileBody(app, ExamplesRequestSchema)
  const whole = { ...deps, interfaceOf: createInterfaces() }
  const config = { plainErrors: true }
  const responses = plainErrorResponses(404, 409, 413, 415, 503, 504)

  const answer = async (request: FastifyRequest, reply: FastifyReply, method: Method): Promise<string> => {
    const parse = (check: (body: unknown) => void) => (json: string) => {
      const value = parseJson(request, json)
      check(value)
      return value
    }
    const target = {
      name: (request.params as PlaceParams).name,
      reference: readReference(request.params as PlaceParams),
      session: readSession(request.headers),
    }
    const body = await readAnyBody(request, BODY_BYTES_MAX)
    const deadlineMs = readDeadline(request, reply)
    if (method === 'predict') {
      const parsePredict = parse(checkPredict) as (json: string) => PredictRequestJson
      return answerPredict(whole, target, { body, deadlineMs, parse: parsePredict })
    }
    const parseExamples = parse(checkExamples) as (json: string) => ExamplesRequestJson
    return answerExamples(whole, method, target, { body, deadlineMs, parse: parseExamples })
  }

  // What the registry tells of models and of versions by number has their status too.
  const [, , byLabel] = PLACES
  app.get(
    byLabel.path,
    {
      config,
      schema: {
        tags,
        summary: 'Status of the version of a label',
        params: byLabel.params,
        response: { 200: VersionStatusSchema, ...plainErrorResponses(404, 503) },
      },
    },
    async ({ params }) => {
      const found = await deps.versions.resolve(params.name, readReference(params))
      return describeStatus([found.version])
    },
  )

  for (const { path, params } of PLACES) {
    for (const method of ['predict', 'classify', 'regress'] as const) {
      app.post(
        `${path}([^:]+)::${method}`, // a parameter ends before a colon only when its pattern says so
        {
          config,
          bodyLimit: BODY_BYTES_MAX,
          validatorCompiler: leaveBody(app),
          schema: {
            tags,
            summary: SUMMARIES[method],
            description: 'Values are in the units of the training data.',
            params,
            body: method === 'predict' ? PredictRequestSchema : ExamplesRequestSchema,
            response: { 200: method === 'predict' ? PredictResponseSchema : ResultsSchema, ...responses },
          },
        },
        async (request, reply) =>
          answerPureOnce(deps.db, { request, reply }, async () => ({
            status: 200,
            text: await answer(request, reply, method),
          })),
      )
    }
    app.get(
      `${path}/metadata`,
      {
        config,
        schema: {
          tags,
          summary: 'Signatures as TensorFlow Serving tells them',
          params,
          response: { 200: MetadataSchema, ...plainErrorResponses(404, 503) },
        },
      },
      async ({ params }) => {
        const found = await deps.versions.resolve(params.name, readReference(params))
        return describeMetadata(found.name, found.version, await loadInterface(whole, found))
      },
    )
  }
}

function readReference({ version, label }: PlaceParams): VersionReference {
  return { version, alias: label }
}
