import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { problemResponses } from '../http/problem-details.ts'
import { listWorkers, readQueueState } from '../queue/repository.ts'
import { type ReadinessDeps, readReadiness } from './readiness.ts'
import type { Telemetry } from './telemetry.ts'

/** What the routes of operation work with. */
export interface OperationDeps extends ReadinessDeps {
  queueBackend: 'postgres' | 'redis'
  telemetry: Telemetry
}

const tags = ['operations']
const Part = Type.Enum(['ok', 'away'] as const)
const ReadinessSchema = Type.Object({
  status: Type.Enum(['ready', 'degraded', 'unready'] as const),
  parts: Type.Object({ database: Part, queue: Part, storage: Part }),
})

/** `/healthz`, `/readyz`: without a key, for load balancers. */
export const healthRoutes: FastifyPluginAsyncTypebox<OperationDeps> = async (app, deps) => {
  app.get(
    '/healthz',
    {
      logLevel: 'silent',
      schema: {
        tags,
        summary: 'Is the process alive',
        security: [],
        response: { 200: Type.Object({ status: Type.Literal('ok') }) },
      },
    },
    async () => ({ status: 'ok' as const }),
  )

  app.get(
    '/readyz',
    {
      logLevel: 'silent',
      schema: {
        tags,
        summary: 'Can it do its work',
        description: '`degraded`: only the queue is away; jobs are taken and wait.',
        security: [],
        response: { 200: ReadinessSchema, 503: ReadinessSchema },
      },
    },
    async (_request, reply) => {
      const readiness = await readReadiness(deps)
      return reply.code(readiness.status === 'unready' ? 503 : 200).send(readiness)
    },
  )
}

/** `/metrics`, for Prometheus: with a key, which its `authorization` setting sends. */
export const telemetryRoutes: FastifyPluginAsyncTypebox<OperationDeps> = async (app, { telemetry }) => {
  app.get(
    '/metrics',
    {
      logLevel: 'silent',
      schema: {
        tags,
        summary: 'Counters for Prometheus',
        description: 'Of this process; figures of jobs and workers are those of the whole service.',
        response: { 200: { content: { 'text/plain': { schema: Type.String() } } }, ...problemResponses() },
      },
    },
    async (_request, reply) => reply.type(telemetry.contentType).send(await telemetry.render()),
  )
}

/** `/v1/workers`, `/v1/queue`. */
export const operationRoutes: FastifyPluginAsyncTypebox<OperationDeps> = async (app, deps) => {
  const WorkerSchema = Type.Object({
    id: Type.String(),
    hostname: Type.String(),
    pid: Type.Integer(),
    engine: Type.String(),
    device: Type.String(),
    slots: Type.Integer(),
    status: Type.Enum(['ready', 'silent'] as const, { description: 'silent: not heard of for 10 seconds.' }),
    startedAt: Type.String({ format: 'date-time' }),
    heartbeatAt: Type.String({ format: 'date-time' }),
  })
  app.get(
    '/workers',
    {
      schema: {
        tags,
        summary: 'Workers',
        response: { 200: Type.Object({ data: Type.Array(WorkerSchema) }), ...problemResponses() },
      },
    },
    async () => ({ data: await listWorkers(deps.db) }),
  )

  app.get(
    '/queue',
    {
      schema: {
        tags,
        summary: 'The waiting line',
        response: {
          200: Type.Object({
            backend: Type.Enum(['postgres', 'redis'] as const),
            waiting: Type.Integer(),
            oldestWaitSeconds: Type.Union([Type.Number(), Type.Null()], {
              description: 'Of the job that waits longest; null when none waits.',
            }),
            running: Type.Integer(),
            slots: Type.Integer({ description: 'Of all live workers.' }),
          }),
          ...problemResponses(),
        },
      },
    },
    async () => readQueueState(deps.db, deps.queueBackend),
  )
}
