import type { Db } from '../db/client.ts'
import { type Epoch, type Job as JobRow, Prisma } from '../db/generated/client.ts'
import { AppError } from '../errors.ts'
import type { JobStatus } from './lifecycle.ts'
import type { Job, JobEvent } from './schemas.ts'

/** A job's row. */
export type { JobRow }

/** @throws {AppError} JOB_NOT_FOUND */
export async function getJobRow(db: Db, id: string): Promise<JobRow> {
  const row = await db.job.findUnique({ where: { id } })
  if (!row) throw new AppError('JOB_NOT_FOUND', `no job has the id ${id}`)
  return row
}

/** The job as a client sees it. @throws {AppError} JOB_NOT_FOUND */
export async function getJob(db: Db, id: string): Promise<Job> {
  const [job] = await presentJobs(db, [await getJobRow(db, id)])
  return job as Job // one row in, one out
}

/** What a list may be narrowed to. */
export interface JobFilter {
  limit: number
  after?: string | undefined
  status?: JobStatus | undefined
  datasetId?: string | undefined
  metadata: Record<string, string>
}

/** Newest first; one more than `limit`, when there are more. */
export async function listJobs(db: Db, filter: JobFilter): Promise<Job[]> {
  const conditions = [
    Prisma.sql`TRUE`,
    ...(filter.after ? [Prisma.sql`id < ${filter.after}`] : []),
    ...(filter.status ? [Prisma.sql`status = ${filter.status}::job_status`] : []),
    ...(filter.datasetId ? [Prisma.sql`dataset_id = ${filter.datasetId}`] : []),
    ...(Object.keys(filter.metadata).length > 0
      ? [Prisma.sql`metadata @> ${JSON.stringify(filter.metadata)}::jsonb`]
      : []),
  ]
  const ids = await db.$queryRaw<{ id: string }[]>`
    SELECT id FROM jobs WHERE ${Prisma.join(conditions, ' AND ')} ORDER BY id DESC LIMIT ${filter.limit + 1}`
  const rows = await db.job.findMany({
    where: { id: { in: ids.map(({ id }) => id) } },
    orderBy: { id: 'desc' },
  })
  return presentJobs(db, rows)
}

/** Rows to wire, with the place of each queued job in the waiting line. */
async function presentJobs(db: Db, rows: readonly JobRow[]): Promise<Job[]> {
  const positions = await findPositions(
    db,
    rows.filter(row => row.status === 'queued').map(row => row.id),
  )
  return rows.map(row => toWire(row, positions.get(row.id) ?? null))
}

/** Places in the waiting line by job, from 1; the line is counted once, up to the last of them. */
async function findPositions(db: Db, jobIds: readonly string[]): Promise<Map<string, number>> {
  if (jobIds.length === 0) return new Map()
  const wanted = Prisma.join(jobIds)
  const places = await db.$queryRaw<{ jobId: string; position: number }[]>`
    SELECT job_id AS "jobId", position FROM (
      SELECT job_id, (row_number() OVER (ORDER BY priority, queued_at, id))::int AS position
      FROM outbox
      WHERE (priority, queued_at, id) <= (
        SELECT priority, queued_at, id FROM outbox WHERE job_id IN (${wanted})
        ORDER BY priority DESC, queued_at DESC, id DESC LIMIT 1)
    ) AS line
    WHERE job_id IN (${wanted})`
  return new Map(places.map(({ jobId, position }) => [jobId, position]))
}

function toWire(row: JobRow, queuePosition: number | null): Job {
  const time = (date: Date | null) => date?.toISOString() ?? null
  return {
    id: row.id,
    name: row.name,
    modelName: row.modelName,
    status: row.status,
    phase: row.phase,
    queuePosition,
    attempt: row.attempt,
    priority: row.priority,
    datasetId: row.datasetId,
    datasetSha256: row.datasetSha256,
    network: row.network,
    training: row.training,
    preprocessing: row.preprocessing as Job['preprocessing'], // JSON columns are written by submitJob only
    parameterCount: row.parameterCount,
    trainableParameterCount: row.trainableParameterCount,
    baseModel: row.baseModel as Job['baseModel'],
    progress: {
      epoch: row.epoch,
      epochs: row.epochs,
      step: row.step,
      steps: row.steps,
      examplesPerSecond: row.examplesPerSecond,
      etaSeconds: row.status === 'running' ? row.etaSeconds : null,
    },
    metrics: {
      last: row.lastMetrics as Job['metrics']['last'],
      best: row.bestMetrics as Job['metrics']['best'],
    },
    engine: row.engine,
    device: row.device,
    modelVersion: row.modelVersion,
    error: toError(row),
    metadata: row.metadata as Job['metadata'],
    createdAt: row.createdAt.toISOString(),
    queuedAt: row.queuedAt.toISOString(),
    startedAt: time(row.startedAt),
    finishedAt: time(row.finishedAt),
    cancelRequestedAt: time(row.cancelRequestedAt),
    pauseRequestedAt: time(row.pauseRequestedAt),
  }
}

function toError({ error }: JobRow): Job['error'] {
  if (error === null) return null
  const stored = error as unknown as Omit<NonNullable<Job['error']>, 'logTail'> & { logTail?: string[] }
  return { ...stored, logTail: stored.logTail ?? [] } // earlier releases kept none
}

/** Epochs of a job, oldest first. */
export async function listEpochs(db: Db, jobId: string, after: number, limit: number): Promise<Epoch[]> {
  return db.epoch.findMany({
    where: { jobId, epoch: { gt: after } },
    orderBy: { epoch: 'asc' },
    take: limit,
  })
}

/** Stored events after an id, oldest first. */
export async function listEvents(db: Db, jobId: string, after: number, limit: number): Promise<JobEvent[]> {
  const rows = await db.jobEvent.findMany({
    where: { jobId, id: { gt: after } },
    orderBy: { id: 'asc' },
    take: limit,
  })
  return rows.map(({ id, type, at, data }) => ({
    id,
    type: type as JobEvent['type'],
    at: at.toISOString(),
    data,
  }))
}
