import { randomUUID } from 'node:crypto'
import { fastifySSE } from '@fastify/sse'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyPluginAsync } from 'fastify'
import { type BatchDeps, batchRoutes } from './batch-predictions/routes.ts'
import { type DatasetDeps, datasetRoutes } from './datasets/routes.ts'
import { AccessLog } from './http/access-log.ts'
import { type AuthDeps, registerAuth } from './http/auth.ts'
import { observeRequests } from './http/observe-requests.ts'
import { registerOpenApi } from './http/openapi.ts'
import { registerProblemDetails, sendProblem } from './http/problem-details.ts'
import { registerRouteDefaults } from './http/route-defaults.ts'
import { answerWithSecurityHeaders } from './http/security-headers.ts'
import { streamTokenRoutes } from './http/stream-token-routes.ts'
import { registerValidation } from './http/validation.ts'
import { inputSchemaRoutes } from './inference/input-schema/routes.ts'
import { openInferenceRoutes } from './inference/open-inference/routes.ts'
import type { PredictDeps } from './inference/predict.ts'
import { inferenceRoutes } from './inference/routes.ts'
import { tensorflowServingRoutes } from './inference/tensorflow-serving/routes.ts'
import { trafficRoutes } from './inference/traffic/routes.ts'
import { type JobDeps, jobRoutes } from './jobs/routes.ts'
import type { Logger } from './logger.ts'
import { type MetricDeps, metricRoutes } from './metrics/routes.ts'
import { aliasRoutes } from './models/aliases/routes.ts'
import { comparisonRoutes } from './models/comparison/routes.ts'
import { importRoutes } from './models/imports/routes.ts'
import { type ModelDeps, modelRoutes } from './models/routes.ts'
import { isReady } from './operations/readiness.ts'
import { healthRoutes, type OperationDeps, operationRoutes, telemetryRoutes } from './operations/routes.ts'
import { type UploadRouteDeps, uploadRoutes } from './uploads/routes.ts'

/** Everything the API works with. */
export type AppDeps = UploadRouteDeps &
  DatasetDeps &
  JobDeps &
  MetricDeps &
  ModelDeps &
  PredictDeps &
  BatchDeps &
  OperationDeps &
  AuthDeps & { logger: Logger; version: string }

const JSON_BYTES_MAX = 1024 ** 2
const REQUEST_TIMEOUT_MS = 600_000

/** Puts the API together. It does not listen, and reads no settings. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: deps.logger as FastifyBaseLogger, // else the type of the logger becomes part of the app's
    logController: new AccessLog(),
    genReqId: () => randomUUID(),
    bodyLimit: JSON_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // what arrives meanwhile is answered: a balancer may not have heard of the end yet
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    routerOptions: { maxParamLength: 1_000 }, // a name of 100 characters, percent-encoded
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
  })
  app.removeContentTypeParser('text/plain') // no route takes text
  const closing = new AbortController()
  app.decorate('closing', { getter: () => closing.signal })
  app.addHook('preClose', async () => closing.abort())
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })

  observeRequests(app, deps.telemetry.observeRequest)
  registerValidation(app)
  registerProblemDetails(app)
  registerAuth(app, deps)
  registerRouteDefaults(app)
  answerWithSecurityHeaders(app)
  await app.register(fastifySSE, { heartbeatInterval: 15_000 })
  await registerOpenApi(app, deps.version)

  await app.register(healthRoutes, deps)
  await app.register(telemetryRoutes, deps)
  await app.register(v1Routes(deps), { prefix: '/v1' })
  await app.register(v2Routes(deps), { prefix: '/v2' })
  return app
}

function v1Routes(deps: AppDeps): FastifyPluginAsync {
  return async v1 => {
    await v1.register(uploadRoutes, deps)
    await v1.register(datasetRoutes, deps)
    await v1.register(jobRoutes, deps)
    await v1.register(metricRoutes, deps)
    await v1.register(streamTokenRoutes, deps)
    await v1.register(modelRoutes, deps)
    await v1.register(aliasRoutes, deps)
    await v1.register(comparisonRoutes, deps)
    await v1.register(importRoutes, deps)
    await v1.register(inferenceRoutes, deps)
    await v1.register(inputSchemaRoutes, deps)
    await v1.register(batchRoutes, deps)
    await v1.register(tensorflowServingRoutes, deps)
    await v1.register(trafficRoutes, deps)
    await v1.register(operationRoutes, deps)
  }
}

function v2Routes(deps: AppDeps): FastifyPluginAsync {
  const whole = { ...deps, isReady: () => isReady(deps) }
  return async v2 => void (await v2.register(openInferenceRoutes, whole))
}
