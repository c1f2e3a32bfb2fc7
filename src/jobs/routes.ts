import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Database } from '../db/client.ts'
import type { Listener } from '../db/listen.ts'
import { abortOnClose } from '../http/abort-on-close.ts'
import { answerOnce } from '../http/idempotency/answer-once.ts'
import { problemResponses } from '../http/problem-details.ts'
import { storable } from '../names.ts'
import { toPage } from '../pagination.ts'
import { inputNames } from '../preprocessing/inputs.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { cancelJob } from './cancel.ts'
import { deleteJob } from './delete.ts'
import { pauseJob } from './pause.ts'
import { getJob, listJobs } from './repository.ts'
import { resumeJob } from './resume.ts'
import { retryJob } from './retry.ts'
import {
  type DryRun,
  DryRunSchema,
  type Job,
  JobListQuery,
  JobPageSchema,
  JobReadQuery,
  JobRequestSchema,
  JobSchema,
} from './schemas.ts'
import { planJob, submitJob } from './submit.ts'
import { waitForChange } from './wait-for-change.ts'

/** What the job routes work with. */
export interface JobDeps {
  db: Database
  blobs: BlobStore
  listener: Listener
  trainerBytesMax: number
  residentBytesMax: number
}

const JobParams = Type.Object({ id: storable({ description: 'Job id: job_…' }) })
const tags = ['jobs']

/** `/v1/jobs`: submit, list, read, cancel, pause, resume, retry. */
export const jobRoutes: FastifyPluginAsyncTypebox<JobDeps> = async (app, deps) => {
  app.post(
    '/jobs',
    {
      schema: {
        tags,
        summary: 'Submit a training job',
        description:
          'Answers as soon as the job is safe. `?dryRun=true` checks, resolves and estimates only.',
        querystring: Type.Object(
          { dryRun: Type.Optional(Type.Boolean({ default: false })) },
          { additionalProperties: false },
        ),
        body: JobRequestSchema,
        response: { 200: DryRunSchema, 202: JobSchema, ...problemResponses(400, 409, 413, 415, 422) },
      },
    },
    async (request, reply) =>
      answerOnce<DryRun | Job>(deps.db, { request, reply }, async db => {
        if (request.query.dryRun) {
          const { spec, dataset } = await planJob({ ...deps, db }, request.body)
          const { epochs: _epochs, steps: _steps, trainExamples: _trainExamples, ...planned } = spec
          return { status: 200, body: { ...planned, inputs: inputNames(spec.preprocessing, dataset) } }
        }
        const id = await submitJob({ ...deps, db }, request.body, request.apiKeyId)
        request.log.info({ jobId: id }, 'job submitted')
        return { status: 202, location: `/v1/jobs/${id}`, body: await getJob(db, id) }
      }),
  )

  app.get(
    '/jobs',
    {
      schema: {
        tags,
        summary: 'List jobs',
        description: 'Newest first. `?metadata[customer]=acme` narrows to jobs with that label.',
        querystring: JobListQuery,
        response: { 200: JobPageSchema, ...problemResponses(422) },
      },
    },
    async ({ query }) => {
      const { limit = 20, after, status, datasetId, ...labels } = query
      const metadata = Object.fromEntries(
        Object.entries(labels).map(([key, value]) => [key.slice('metadata['.length, -1), String(value)]),
      )
      const jobs = await listJobs(deps.db, { limit, after, status, datasetId, metadata })
      return toPage(
        jobs,
        limit,
        job => job,
        job => job.id,
      )
    },
  )

  app.get(
    '/jobs/:id',
    {
      schema: {
        tags,
        summary: 'Read a job',
        params: JobParams,
        querystring: JobReadQuery,
        response: { 200: JobSchema, ...problemResponses(404, 422) },
      },
    },
    async (request, reply) => {
      const { waitSeconds = 0, sinceEvent = null } = request.query
      if (waitSeconds > 0) {
        const signal = abortOnClose(request, reply)
        await waitForChange(deps, request.params.id, { waitSeconds, sinceEvent, signal })
      }
      return getJob(deps.db, request.params.id)
    },
  )

  app.delete(
    '/jobs/:id',
    {
      schema: {
        tags,
        summary: 'Delete a job',
        description:
          'Only one that has ended. Its epochs, events and checkpoints go with it; the model version that it made stays.',
        params: JobParams,
        response: { 204: Type.Null(), ...problemResponses(404, 409) },
      },
    },
    async ({ params }, reply) => {
      await deleteJob(deps.db, params.id)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/jobs/:id/cancel',
    {
      schema: {
        tags,
        summary: 'Cancel a job',
        description:
          'A queued or paused job ends at once, a running one within seconds. It keeps its epochs and checkpoints.',
        params: JobParams,
        response: { 200: JobSchema, ...problemResponses(404, 409) },
      },
    },
    async (request, reply) =>
      answerOnce(deps.db, { request, reply }, async db => {
        await cancelJob(db, request.params.id)
        return { status: 200, body: await getJob(db, request.params.id) }
      }),
  )

  app.post(
    '/jobs/:id/pause',
    {
      schema: {
        tags,
        summary: 'Pause a job',
        description:
          'A queued job is paused at once, a running one after a checkpoint; then its slot is free for others.',
        params: JobParams,
        response: { 200: JobSchema, ...problemResponses(404, 409) },
      },
    },
    async (request, reply) =>
      answerOnce(deps.db, { request, reply }, async db => {
        await pauseJob(db, request.params.id)
        return { status: 200, body: await getJob(db, request.params.id) }
      }),
  )

  app.post(
    '/jobs/:id/resume',
    {
      schema: {
        tags,
        summary: 'Queue a paused job again',
        description: 'It goes on from its last checkpoint.',
        params: JobParams,
        response: { 202: JobSchema, ...problemResponses(404, 409) },
      },
    },
    async (request, reply) =>
      answerOnce(deps.db, { request, reply }, async db => {
        await resumeJob(db, request.params.id)
        return { status: 202, body: await getJob(db, request.params.id) }
      }),
  )

  app.post(
    '/jobs/:id/retry',
    {
      schema: {
        tags,
        summary: 'Try a failed or cancelled job again',
        description: 'Goes on from the last checkpoint, or with `{ "fromScratch": true }` from the start.',
        params: JobParams,
        body: Type.Optional(
          Type.Union([
            Type.Object({ fromScratch: Type.Optional(Type.Boolean()) }, { additionalProperties: false }),
            Type.Null(),
          ]),
        ),
        response: { 202: JobSchema, ...problemResponses(404, 409, 422) },
      },
    },
    async (request, reply) =>
      answerOnce(deps.db, { request, reply }, async db => {
        await retryJob(db, request.params.id, request.body?.fromScratch ?? false)
        return { status: 202, body: await getJob(db, request.params.id) }
      }),
  )
}
