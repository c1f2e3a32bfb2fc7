import type { Database, Db } from '../db/client.ts'
import { Prisma } from '../db/generated/client.ts'
import type { ErrorCode } from '../errors.ts'
import type { JobPhase } from './lifecycle.ts'
import { getJobRow, type JobRow } from './repository.ts'
import { announceWork, changeJob, enqueue, transitionSql } from './state-repository.ts'

/**
 * The right to write a job's progress: it is good while the job runs under this attempt number. Every write of a
 * worker carries it, so a worker that was taken for dead cannot spoil the work of its successor.
 */
export interface Fence {
  jobId: string
  attempt: number
}

/** The caller's attempt is over; it must stop, and write nothing more. */
export interface Fenced {
  fenced: true
}

const holds = ({ attempt }: Fence) => Prisma.sql`status = 'running' AND attempt = ${attempt}`

/** Who claims, and for how long without a sign of life. */
export interface Claim {
  jobId: string
  workerId: string
  leaseSeconds: number
  engine: string
  device: string
}

/**
 * Takes a queued job: next attempt, lease, out of the waiting line.
 * @returns null when somebody else has it, or it no longer waits
 */
export async function claimJob(db: Database, claim: Claim): Promise<JobRow | null> {
  return db.$transaction(async tx => {
    const { from, to } = transitionSql('claim')
    const claimed = await changeJob(tx, {
      id: claim.jobId,
      set: Prisma.sql`${to}, phase = 'loading', attempt = attempt + 1, lease_owner = ${claim.workerId},
        lease_until = now() + make_interval(secs => ${claim.leaseSeconds}), engine = ${claim.engine},
        device = ${claim.device}, started_at = coalesce(started_at, now())`,
      where: from,
      event: {
        type: 'job.started',
        data: { workerId: claim.workerId, engine: claim.engine, device: claim.device },
      },
    })
    if (!claimed) return null
    await tx.outbox.deleteMany({ where: { jobId: claim.jobId } })
    return getJobRow(tx, claim.jobId)
  })
}

/** Says that the worker is alive, and brings back whether the job shall end. */
export async function renewLease(
  db: Db,
  fence: Fence,
  leaseSeconds: number,
): Promise<Fenced | { fenced: false; cancelRequested: boolean }> {
  const [row] = await db.$queryRaw<{ cancelRequested: boolean }[]>`
    UPDATE jobs SET lease_until = now() + make_interval(secs => ${leaseSeconds})
    WHERE id = ${fence.jobId} AND ${holds(fence)}
    RETURNING cancel_requested_at IS NOT NULL AS "cancelRequested"`
  return row ? { fenced: false, ...row } : { fenced: true }
}

/** Where a training is within its steps. */
export interface Progress {
  phase: JobPhase
  step: number
  examplesPerSecond: number | null
  etaSeconds: number | null
}

/** Writes progress, which is looked at live and not logged. @returns false when fenced */
export async function recordProgress(db: Db, fence: Fence, progress: Progress): Promise<boolean> {
  const changed = await changeJob(db, {
    id: fence.jobId,
    set: Prisma.sql`phase = ${progress.phase}::job_phase, step = ${progress.step},
      examples_per_second = ${progress.examplesPerSecond}, eta_seconds = ${progress.etaSeconds}`,
    where: holds(fence),
    event: null,
  })
  return changed !== null
}

/** A durable checkpoint: its blob is in the store. */
export interface CheckpointRecord {
  step: number
  epoch: number
  sha256: string
  bytes: number
}

/** What an epoch gave. */
export interface EpochRecord {
  epoch: number
  step: number
  metrics: Record<string, number | null>
  learningRate: number
  durationMs: number
  examplesPerSecond: number
}

/** How many checkpoints of a job are kept: one to resume from, and one should that be damaged. */
const CHECKPOINTS_KEPT = 2

/**
 * Writes an epoch and the checkpoint at its end in one transaction. An epoch that was trained again after a
 * resume has its row already, which stays as it is.
 * @returns false when fenced
 */
export async function recordEpoch(
  db: Database,
  fence: Fence,
  epoch: EpochRecord,
  checkpoint: CheckpointRecord | null,
): Promise<boolean> {
  return db.$transaction(async tx => {
    if (!(await lockAttempt(tx, fence))) return false
    const { step, ...row } = epoch
    const { count } = await tx.epoch.createMany({
      data: [{ ...row, jobId: fence.jobId, attempt: fence.attempt }],
      skipDuplicates: true,
    })
    const metrics = JSON.stringify(epoch.metrics)
    const numbered = JSON.stringify({ epoch: epoch.epoch, ...epoch.metrics })
    const watched = epoch.metrics.valLoss === undefined ? 'loss' : 'valLoss'
    if (count > 0) {
      await changeJob(tx, {
        id: fence.jobId,
        set: Prisma.sql`epoch = greatest(epoch, ${epoch.epoch}), step = ${step}, last_metrics = ${metrics}::jsonb,
          best_metrics = CASE
            WHEN (best_metrics->>${watched})::float8 <= ${epoch.metrics[watched] ?? null}::float8 THEN best_metrics
            ELSE ${numbered}::jsonb END`,
        where: holds(fence),
        event: {
          type: 'job.epoch',
          data: { ...row.metrics, ...row, attempt: fence.attempt, metrics: undefined },
        },
      })
    }
    if (checkpoint) await insertCheckpoint(tx, fence, checkpoint)
    return true
  })
}

/** Writes a checkpoint that was made between epochs' ends. @returns false when fenced */
export async function recordCheckpoint(
  db: Database,
  fence: Fence,
  checkpoint: CheckpointRecord,
): Promise<boolean> {
  return db.$transaction(async tx => {
    if (!(await lockAttempt(tx, fence))) return false
    await insertCheckpoint(tx, fence, checkpoint)
    return true
  })
}

async function lockAttempt(tx: Db, fence: Fence): Promise<boolean> {
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM jobs WHERE id = ${fence.jobId} AND ${holds(fence)} FOR UPDATE`
  return rows.length > 0
}

/** A new checkpoint is progress, so earlier crashes no longer count against the job. */
async function insertCheckpoint(tx: Db, fence: Fence, checkpoint: CheckpointRecord): Promise<void> {
  const { jobId, attempt } = fence
  const row = { ...checkpoint, attempt }
  await tx.checkpoint.upsert({
    where: { jobId_step: { jobId, step: checkpoint.step } },
    create: { ...row, jobId },
    update: row, // made again after a resume, perhaps because the first was damaged
  })
  await changeJob(tx, {
    id: jobId,
    set: Prisma.sql`charged = 0`,
    where: holds(fence),
    event: { type: 'job.checkpoint', data: { step: checkpoint.step, epoch: checkpoint.epoch } },
  })
  await tx.$executeRaw`
    DELETE FROM checkpoints WHERE job_id = ${jobId} AND step NOT IN (
      SELECT step FROM checkpoints WHERE job_id = ${jobId} ORDER BY step DESC LIMIT ${CHECKPOINTS_KEPT})`
}

/** Checkpoints that a resume may begin from, the newest first. */
export async function listCheckpoints(db: Db, jobId: string): Promise<CheckpointRecord[]> {
  const rows = await db.checkpoint.findMany({ where: { jobId }, orderBy: { step: 'desc' } })
  return rows.map(({ step, epoch, sha256, bytes }) => ({ step, epoch, sha256, bytes: Number(bytes) }))
}

/**
 * Ends a job well, unless a cancel was accepted before.
 * @param version - the model version that `inTransaction` makes, together with the status or not at all
 * @returns the version, or null when fenced or cancelled
 */
export async function succeedJob(
  db: Database,
  fence: Fence,
  evaluation: object | null,
  insertVersion: (tx: Db) => Promise<number>,
): Promise<number | null> {
  return db.$transaction(async tx => {
    const locked = await tx.$queryRaw<unknown[]>`
      SELECT 1 FROM jobs WHERE id = ${fence.jobId} AND ${holds(fence)} AND cancel_requested_at IS NULL FOR UPDATE`
    if (locked.length === 0) return null
    const version = await insertVersion(tx)
    const { to } = transitionSql('succeed')
    await changeJob(tx, {
      id: fence.jobId,
      set: Prisma.sql`${to}, ${ENDED}, model_version = ${version}, step = steps,
        evaluation = ${evaluation === null ? null : JSON.stringify(evaluation)}::jsonb`,
      where: holds(fence),
      event: { type: 'job.succeeded', data: { modelVersion: version } },
    })
    await announceWork(tx) // a slot is free
    return version
  })
}

/** No lease, no phase, an end. */
const ENDED = Prisma.sql`phase = NULL, lease_owner = NULL, lease_until = NULL, eta_seconds = NULL, finished_at = now()`

/** Why a job failed. */
export interface JobError {
  code: ErrorCode
  message: string
  param: string | null
}

/** Ends a job that cannot succeed. An accepted cancel wins. @returns false when fenced or cancelled */
export async function failJob(db: Db, fence: Fence, error: JobError): Promise<boolean> {
  const { to } = transitionSql('fail')
  const failed = await changeJob(db, {
    id: fence.jobId,
    set: Prisma.sql`${to}, ${ENDED}, error = ${JSON.stringify(error)}::jsonb`,
    where: Prisma.sql`${holds(fence)} AND cancel_requested_at IS NULL`,
    event: { type: 'job.failed', data: { error } },
  })
  await announceWork(db)
  return failed !== null
}

/** Ends a job whose cancel was asked for. @returns false when fenced, or nobody asked */
export async function cancelJob(db: Db, fence: Fence): Promise<boolean> {
  const { to } = transitionSql('cancel')
  const cancelled = await changeJob(db, {
    id: fence.jobId,
    set: Prisma.sql`${to}, ${ENDED}`,
    where: Prisma.sql`${holds(fence)} AND cancel_requested_at IS NOT NULL`,
    event: { type: 'job.cancelled', data: {} },
  })
  await announceWork(db)
  return cancelled !== null
}

/** Why an attempt ended before its job. */
export type InterruptReason = 'shutdown' | 'worker-lost' | 'trainer-crashed'

/**
 * Puts an interrupted job back into the waiting line, to resume from its checkpoint.
 * @param charge - whether it counts towards the crashes after which a job is given up
 * @returns false when fenced, or when a cancel was asked for
 */
export async function interruptJob(
  db: Database,
  fence: Fence,
  reason: InterruptReason,
  charge: boolean,
): Promise<boolean> {
  return db.$transaction(async tx => {
    const { to } = transitionSql('interrupt')
    // A holder that came back in time keeps its job.
    const stillLost = reason === 'worker-lost' ? Prisma.sql`AND lease_until < now()` : Prisma.empty
    const interrupted = await changeJob(tx, {
      id: fence.jobId,
      set: Prisma.sql`${to}, phase = NULL, lease_owner = NULL, lease_until = NULL, eta_seconds = NULL,
        examples_per_second = NULL, charged = charged + ${charge ? 1 : 0}`,
      where: Prisma.sql`${holds(fence)} AND cancel_requested_at IS NULL ${stillLost}`,
      event: { type: 'job.interrupted', data: { reason } },
    })
    if (interrupted) await enqueue(tx, fence.jobId)
    return interrupted !== null
  })
}

/** How often attempts at a job have crashed since its last checkpoint. */
export async function countCrashes(db: Db, jobId: string): Promise<number> {
  const { charged } = await db.job.findUniqueOrThrow({ where: { id: jobId }, select: { charged: true } })
  return charged
}

/**
 * Attempts whose worker has been silent for longer than its lease. Postgres's clock decides. After a restart of
 * Postgres nobody could renew, so holders get two heartbeats more.
 */
export async function findExpiredAttempts(
  db: Db,
): Promise<(Fence & { charged: number; cancelRequested: boolean })[]> {
  return db.$queryRaw`
    SELECT id AS "jobId", attempt, charged, cancel_requested_at IS NOT NULL AS "cancelRequested" FROM jobs
    WHERE status = 'running' AND lease_until < now() AND now() > pg_postmaster_start_time() + interval '4 seconds'
    ORDER BY lease_until LIMIT 100`
}
