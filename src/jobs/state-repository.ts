import type { Database, Db } from '../db/client.ts'
import { Prisma } from '../db/generated/client.ts'
import { findBaseModel, keepBaseModel } from './base-repository.ts'
import { type EventType, TRANSITIONS, type Transition } from './lifecycle.ts'
import type { JobSpec } from './resolve-spec.ts'

/** What a state change gives back. */
export interface ChangedJob {
  id: string
  attempt: number
}

/** A change of one job's row. */
export interface Change {
  id: string
  /** Assignments of columns, as SQL. */
  set: Prisma.Sql
  /** When it may happen: every writer names the status, a worker its attempt too. */
  where: Prisma.Sql
  /** What is written into the job's log; null for changes that are only looked at live. */
  event: { type: EventType; data: object } | null
}

/**
 * The one statement through which jobs change: compare and set, number the event, write it, and wake whoever
 * watches the job. One statement, so one round trip, and nothing in between to lose.
 * @returns null when the condition does not hold: somebody else was faster, or the attempt is over
 */
export async function changeJob(db: Db, { id, set, where, event }: Change): Promise<ChangedJob | null> {
  const numbering = event ? Prisma.sql`, event_seq = event_seq + 1` : Prisma.empty
  const logging = event
    ? Prisma.sql`, logged AS (
        INSERT INTO job_events (job_id, id, type, data, at)
        SELECT id, event_seq, ${event.type}, ${JSON.stringify(event.data)}::jsonb, clock_timestamp() FROM changed)`
    : Prisma.empty
  const [changed] = await db.$queryRaw<ChangedJob[]>`
    WITH changed AS (
      UPDATE jobs SET ${set} ${numbering} WHERE id = ${id} AND ${where} RETURNING id, attempt, event_seq
    ) ${logging}
    SELECT id, attempt, pg_notify('trainyard_job', id)::text FROM changed`
  return changed ?? null
}

/** The condition that a transition may happen, the status it sets, and the event that tells of it. */
export function transitionSql(transition: Transition): {
  from: Prisma.Sql
  to: Prisma.Sql
  event: EventType
} {
  const { from, to, event } = TRANSITIONS[transition]
  const statuses = from.map(status => Prisma.sql`${status}::job_status`)
  return {
    from: Prisma.sql`status IN (${Prisma.join(statuses)})`,
    to: Prisma.sql`status = ${to}::job_status`,
    event,
  }
}

/** A job that was taken in. */
export interface NewJob {
  id: string
  name: string
  modelName: string
  datasetId: string
  datasetSha256: string
  spec: JobSpec
  metadata: Record<string, string>
  priority: number
  /** The API key that submitted it. */
  apiKeyId?: string | null
}

/**
 * Writes a job's row and its first event, puts it into the waiting line, and tells those who hand out work: one statement,
 * so one round trip. To be called in a transaction.
 */
export async function insertJob(tx: Db, job: NewJob): Promise<void> {
  const { spec, apiKeyId = null } = job
  const { parameterCount, trainableParameterCount, epochs, steps } = spec
  const json = (value: unknown) => Prisma.sql`${JSON.stringify(value)}::jsonb`
  await tx.$executeRaw`
    WITH job AS (
      INSERT INTO jobs (id, name, model_name, dataset_id, dataset_sha256, network, training, preprocessing, metadata,
        parameter_count, trainable_parameter_count, base_model, priority, status, epochs, steps, event_seq, api_key_id)
      VALUES (${job.id}, ${job.name}, ${job.modelName}, ${job.datasetId}, ${job.datasetSha256}, ${json(spec.network)},
        ${json(spec.training)}, ${json(spec.preprocessing)}, ${json(job.metadata)}, ${parameterCount}, ${trainableParameterCount},
        ${spec.baseModel ? json(spec.baseModel) : Prisma.sql`NULL`}, ${job.priority}, 'queued', ${epochs}, ${steps}, 1,
        ${apiKeyId})
      RETURNING id, priority, queued_at
    ), logged AS (
      INSERT INTO job_events (job_id, id, type, data) SELECT id, 1, 'job.queued', '{}' FROM job
    ), line AS (
      INSERT INTO outbox (job_id, priority, queued_at) SELECT id, priority, queued_at FROM job
    )
    SELECT pg_notify('trainyard_work', '')`
}

/**
 * Puts a queued job at its place in the waiting line, and tells those who hand out work.
 * @param backoffSeconds - nobody may take it before
 */
export async function enqueue(db: Db, id: string, backoffSeconds = 0): Promise<void> {
  await db.$executeRaw`
    INSERT INTO outbox (job_id, priority, queued_at, not_before)
    SELECT id, priority, queued_at, now() + make_interval(secs => nullif(${backoffSeconds}::float8, 0))
    FROM jobs WHERE id = ${id}`
  await announceWork(db)
}

/** Wakes whoever hands out work. */
export async function announceWork(db: Db): Promise<void> {
  await db.$executeRaw`SELECT pg_notify('trainyard_work', '')`
}

/** What became of a wish: `done` at once, `requested` of the worker that runs the job, or refused. */
export type Outcome = 'done' | 'requested' | 'refused'

/**
 * Asks for a job's end. A waiting or paused job is cancelled at once; a running one gets the request, which its
 * worker reads, and which takes the place of a pause.
 */
export async function requestCancel(db: Database, id: string): Promise<Outcome> {
  return db.$transaction(async tx => {
    const { to, event } = transitionSql('cancel')
    const cancelled = await changeJob(tx, {
      id,
      set: Prisma.sql`${to}, cancel_requested_at = now(), finished_at = now()`,
      where: Prisma.sql`status IN ('queued', 'paused')`,
      event: { type: event, data: {} },
    })
    if (cancelled) {
      await tx.outbox.deleteMany({ where: { jobId: id } })
      return 'done'
    }
    const requested = await changeJob(tx, {
      id,
      set: Prisma.sql`cancel_requested_at = now(), pause_requested_at = NULL`,
      where: Prisma.sql`status = 'running' AND cancel_requested_at IS NULL`,
      event: { type: 'job.cancelling', data: {} },
    })
    return requested ? 'requested' : 'refused'
  })
}

/** Asks for a pause. A waiting job is paused at once; a running one gets the request, which its worker reads. */
export async function requestPause(db: Database, id: string): Promise<Outcome> {
  return db.$transaction(async tx => {
    const { to, event } = transitionSql('pause')
    const paused = await changeJob(tx, {
      id,
      set: to,
      where: Prisma.sql`status = 'queued'`,
      event: { type: event, data: {} },
    })
    if (paused) {
      await tx.outbox.deleteMany({ where: { jobId: id } })
      return 'done'
    }
    const requested = await changeJob(tx, {
      id,
      set: Prisma.sql`pause_requested_at = now()`,
      where: Prisma.sql`status = 'running' AND cancel_requested_at IS NULL AND pause_requested_at IS NULL`,
      event: null,
    })
    return requested ? 'requested' : 'refused'
  })
}

/** Queues a paused job again, behind those that wait. @returns false when it is not paused */
export async function requeuePaused(db: Database, id: string): Promise<boolean> {
  return db.$transaction(async tx => {
    const { from, to, event } = transitionSql('resume')
    const requeued = await changeJob(tx, {
      id,
      set: Prisma.sql`${to}, queued_at = now()`,
      where: from,
      event: { type: event, data: {} },
    })
    if (requeued) await enqueue(tx, id)
    return requeued !== null
  })
}

/**
 * Queues a failed or cancelled job again, from its last checkpoint or from the start. What was charged to it, and
 * the time it ran, no longer count.
 * @returns why not: it is neither failed nor cancelled, or its dataset or base model was deleted
 */
export async function requeueEnded(
  db: Database,
  id: string,
  fromScratch: boolean,
): Promise<'queued' | 'refused' | 'dataset-deleted' | 'base-deleted'> {
  return db.$transaction(async tx => {
    // The dataset must not be deleted between the check and the change.
    const kept = await tx.$queryRaw<unknown[]>`
      SELECT 1 FROM datasets WHERE id = (SELECT dataset_id FROM jobs WHERE id = ${id}) FOR SHARE`
    if (kept.length === 0) return 'dataset-deleted'
    if (!(await keepBaseModel(tx, await findBaseModel(tx, id)))) return 'base-deleted'
    const { from, to, event } = transitionSql('retry')
    const place = fromScratch
      ? Prisma.sql`, epoch = 0, step = 0, last_metrics = NULL, best_metrics = NULL, evaluation = NULL`
      : Prisma.empty
    const requeued = await changeJob(tx, {
      id,
      set: Prisma.sql`${to}, crashes = 0, workers_lost = 0, runtime_seconds = 0, queued_at = now(),
        finished_at = NULL, cancel_requested_at = NULL, error = NULL, examples_per_second = NULL ${place}`,
      where: from,
      event: { type: event, data: { retry: true, fromScratch } },
    })
    if (!requeued) return 'refused'
    if (fromScratch) {
      await tx.epoch.deleteMany({ where: { jobId: id } })
      await tx.checkpoint.deleteMany({ where: { jobId: id } })
    }
    await enqueue(tx, id)
    return 'queued'
  })
}
