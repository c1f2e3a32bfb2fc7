import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Database } from '../db/client.ts'
import type { Listener } from '../db/listen.ts'
import { renderSvg } from '../drawing/render-svg.ts'
import { AppError } from '../errors.ts'
import { abortOnClose } from '../http/abort-on-close.ts'
import { problemResponses } from '../http/problem-details.ts'
import { listKeptCheckpoints } from '../jobs/history-repository.ts'
import { isTerminal } from '../jobs/lifecycle.ts'
import { getJobRow, listEpochs, listEvents } from '../jobs/repository.ts'
import { EpochSchema, JobEventSchema, KeptCheckpointSchema } from '../jobs/schemas.ts'
import { storable } from '../names.ts'
import { pageOf, toPage } from '../pagination.ts'
import { renderCurvesSvg } from './curves-svg.ts'
import { EvaluationSchema } from './evaluation-report.ts'
import { streamEvents } from './event-stream.ts'

/** What the metric routes work with. */
export interface MetricDeps {
  db: Database
  listener: Listener
}

const EPOCHS_MAX = 10_000
const JobParams = Type.Object({ id: storable({ description: 'Job id: job_…' }) })
const tags = ['metrics']

const HistoryQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: EPOCHS_MAX })),
    after: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: 'Only what is numbered above this.' }),
    ),
  },
  { additionalProperties: false },
)

const EventsQuery = Type.Object(
  {
    ...HistoryQuery.properties,
    streamToken: Type.Optional(
      Type.String({
        maxLength: 100,
        description: 'In place of a key, for `EventSource`: `POST /v1/stream-tokens`.',
      }),
    ),
  },
  { additionalProperties: false },
)

/** `/v1/jobs/{id}/…`: epochs, events, curves, checkpoints, evaluation. */
export const metricRoutes: FastifyPluginAsyncTypebox<MetricDeps> = async (app, deps) => {
  app.get(
    '/jobs/:id/epochs',
    {
      schema: {
        tags,
        summary: 'The metric history',
        description: 'One row for each epoch, oldest first.',
        params: JobParams,
        querystring: HistoryQuery,
        response: { 200: pageOf(EpochSchema), ...problemResponses(404, 422) },
      },
    },
    async ({ params, query: { limit = EPOCHS_MAX, after = 0 } }) => {
      await getJobRow(deps.db, params.id)
      const rows = await listEpochs(deps.db, params.id, after, limit + 1)
      return toPage(
        rows,
        limit,
        ({ metrics, jobId: _jobId, at, ...row }) => ({
          ...row,
          ...(metrics as object),
          at: at.toISOString(),
        }),
        row => String(row.epoch),
      )
    },
  )

  app.get(
    '/jobs/:id/events',
    {
      sse: { kind: 'dual' },
      config: { acceptsStreamToken: true },
      schema: {
        tags,
        summary: 'What happened',
        description:
          'With `Accept: text/event-stream` a live stream that replays what was missed since `Last-Event-ID` and ends ' +
          'with the job; a reconnect after that gets 204. Otherwise a list, oldest first.',
        params: JobParams,
        querystring: EventsQuery,
        response: { 200: pageOf(JobEventSchema), 204: Type.Null(), ...problemResponses(404, 422) },
      },
    },
    async (request, reply) => {
      const { limit = 100, after = 0 } = request.query
      const job = await getJobRow(deps.db, request.params.id)
      if (!reply.sse) {
        const events = await listEvents(deps.db, job.id, after, limit + 1)
        return toPage(
          events,
          limit,
          event => event,
          event => String(event.id),
        )
      }
      const last = readLastEventId(reply.sse.lastEventId) ?? after
      if (isTerminal(job.status) && last >= job.eventSeq) return reply.code(204).send(null)
      const signal = abortOnClose(request, reply)
      const messages = streamEvents(deps, job.id, last, signal)
      // A client that goes away while it is waited for to read would leave the generator suspended for ever.
      signal.addEventListener('abort', () => void messages.return(undefined))
      reply.sse.sendHeaders()
      await reply.sse.send(messages)
      return undefined // to return the reply would wait for its end, which comes after this
    },
  )

  const curves = async (id: string) => {
    const job = await getJobRow(deps.db, id)
    const rows = await listEpochs(deps.db, id, 0, EPOCHS_MAX)
    if (rows.length === 0)
      throw new AppError('RESULT_NOT_AVAILABLE', 'curves need an epoch; the job has none yet')
    return renderCurvesSvg({
      title: `${job.name} · ${job.id}`,
      epochs: job.epochs,
      rows: rows.map(({ epoch, fold, metrics }) => ({
        epoch,
        fold,
        metrics: metrics as Record<string, number | null>,
      })),
    })
  }

  app.get(
    '/jobs/:id/curves.svg',
    { schema: { tags, summary: 'Loss and metric curves', params: JobParams, produces: ['image/svg+xml'] } },
    async ({ params }, reply) => reply.type('image/svg+xml').send(await curves(params.id)),
  )

  app.get(
    '/jobs/:id/curves.png',
    { schema: { tags, summary: 'Loss and metric curves', params: JobParams, produces: ['image/png'] } },
    async ({ params }, reply) => reply.type('image/png').send(await renderSvg(await curves(params.id))),
  )

  app.get(
    '/jobs/:id/checkpoints',
    {
      schema: {
        tags,
        summary: 'The checkpoints that are kept',
        description: 'Newest first: what the job resumes from, and what should the newest be damaged.',
        params: JobParams,
        response: { 200: pageOf(KeptCheckpointSchema), ...problemResponses(404) },
      },
    },
    async ({ params }) => {
      await getJobRow(deps.db, params.id)
      return { data: await listKeptCheckpoints(deps.db, params.id), hasMore: false, nextCursor: null }
    },
  )

  app.get(
    '/jobs/:id/evaluation',
    {
      schema: {
        tags,
        summary: 'The final report',
        description:
          'On the test split when there is one, else on the validation examples; with folds there are their figures too.',
        params: JobParams,
        response: { 200: EvaluationSchema, ...problemResponses(404, 409) },
      },
    },
    async ({ params }) => {
      const job = await getJobRow(deps.db, params.id)
      if (job.evaluation === null) {
        const why =
          job.status === 'succeeded' ? 'was trained without validation or test examples' : `is ${job.status}`
        throw new AppError('RESULT_NOT_AVAILABLE', `the evaluation is made when the job succeeds; it ${why}`)
      }
      return job.evaluation as Type.Static<typeof EvaluationSchema> // written by the worker from this schema's type
    },
  )
}

/** Browsers send back whatever id they saw last; anything else is taken for none. */
function readLastEventId(header: string | null): number | null {
  return header !== null && /^\d{1,9}$/.test(header) ? Number(header) : null
}
