import type { Database, Db } from '../db/client.ts'
import { Prisma } from '../db/generated/client.ts'
import { leaseUntil } from '../db/lease.ts'
import type { JobPhase } from './lifecycle.ts'
import { getJobRow, type JobRow } from './repository.ts'
import { changeJob, transitionSql } from './state-repository.ts'

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

/** The condition that an attempt is still the job's. */
export function holds({ attempt }: Fence): Prisma.Sql {
  return Prisma.sql`status = 'running' AND attempt = ${attempt}`
}

/** Who claims. */
export interface Claim {
  jobId: string
  workerId: string
  /** After this long without a sign of life the job is another's; more than `GRACE_SECONDS` of `src/db/lease.ts`. */
  leaseSeconds: number
  engine: string
  device: string
}

/**
 * Takes a queued job: next attempt, lease, out of the waiting line.
 * @returns null when somebody else has it, or it no longer waits, or must wait longer after a crash
 */
export async function claimJob(db: Database, claim: Claim): Promise<JobRow | null> {
  return db.$transaction(async tx => {
    const { from, to, event } = transitionSql('claim')
    const claimed = await changeJob(tx, {
      id: claim.jobId,
      set: Prisma.sql`${to}, phase = 'loading', attempt = attempt + 1, lease_owner = ${claim.workerId},
        lease_until = ${leaseUntil(claim.leaseSeconds)}, engine = ${claim.engine}, device = ${claim.device},
        started_at = coalesce(started_at, now()), attempt_started_at = now()`,
      where: Prisma.sql`${from}
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE job_id = ${claim.jobId} AND not_before > now())`,
      event: {
        type: event,
        data: { workerId: claim.workerId, engine: claim.engine, device: claim.device },
      },
    })
    if (!claimed) return null
    await tx.outbox.deleteMany({ where: { jobId: claim.jobId } })
    return getJobRow(tx, claim.jobId)
  })
}

/** What the heartbeat brings back: what its owner wants of the job. */
export interface Wishes {
  cancelRequested: boolean
  pauseRequested: boolean
}

/** Says that the worker is alive. An expired lease is renewed too, as long as nobody else has the job. */
export async function renewLease(
  db: Db,
  fence: Fence,
  leaseSeconds: number,
): Promise<Fenced | ({ fenced: false } & Wishes)> {
  const [row] = await db.$queryRaw<Wishes[]>`
    UPDATE jobs SET lease_until = ${leaseUntil(leaseSeconds)}
    WHERE id = ${fence.jobId} AND ${holds(fence)}
    RETURNING cancel_requested_at IS NOT NULL AS "cancelRequested",
      pause_requested_at IS NOT NULL AS "pauseRequested"`
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

/** Writes how many steps there are, where that shows only when the data is read. @returns false when fenced */
export async function recordPlan(db: Db, fence: Fence, steps: number): Promise<boolean> {
  const changed = await changeJob(db, {
    id: fence.jobId,
    set: Prisma.sql`steps = greatest(step, ${steps})`,
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
  /** Counted over all fits of the job. */
  epoch: number
  /** The fold that it was validated on; missing where there is none. */
  fold?: number
  step: number
  metrics: Record<string, number | null>
  learningRate: number
  durationMs: number
  examplesPerSecond: number
}

/** How many of the newest checkpoints are kept: one to resume from, and one should that be damaged. */
const NEWEST_KEPT = 2

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
    const { fold } = epoch
    const numbered = JSON.stringify({ epoch: epoch.epoch, fold, ...epoch.metrics }) // without fold where there is none
    const watched = epoch.metrics.valLoss === undefined ? 'loss' : 'valLoss'
    if (count > 0) {
      await changeJob(tx, {
        id: fence.jobId,
        set: Prisma.sql`epoch = greatest(epoch, ${epoch.epoch}), step = ${step}, last_metrics = ${metrics}::jsonb,
          best_metrics = CASE
            WHEN (best_metrics->>${watched})::float8 <= ${epoch.metrics[watched] ?? null}::float8 THEN best_metrics
            WHEN best_metrics ? 'valLoss' AND ${watched}::text = 'loss' THEN best_metrics
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

/** A checkpoint that is further than all before is progress: what was charged to the job no longer counts. */
async function insertCheckpoint(tx: Db, fence: Fence, checkpoint: CheckpointRecord): Promise<void> {
  const { jobId, attempt } = fence
  const isProgress = Prisma.sql`
    NOT EXISTS (SELECT 1 FROM checkpoints WHERE job_id = ${jobId} AND step >= ${checkpoint.step})`
  await changeJob(tx, {
    id: jobId,
    set: Prisma.sql`crashes = CASE WHEN ${isProgress} THEN 0 ELSE crashes END,
      workers_lost = CASE WHEN ${isProgress} THEN 0 ELSE workers_lost END`,
    where: holds(fence),
    event: { type: 'job.checkpoint', data: { step: checkpoint.step, epoch: checkpoint.epoch } },
  })
  const row = { ...checkpoint, attempt }
  await tx.checkpoint.upsert({
    where: { jobId_step: { jobId, step: checkpoint.step } },
    create: { ...row, jobId },
    update: row, // made again after a resume, perhaps because the first was damaged
  })
  await deleteSuperseded(tx, jobId)
}

/**
 * Keeps the newest checkpoints, and of those at an epoch's end the one of the epoch with the lowest `valLoss`
 * (`loss` without validation). Of a job with folds only the newest: losses on different examples are no choice.
 */
async function deleteSuperseded(tx: Db, jobId: string): Promise<void> {
  await tx.$executeRaw`
    DELETE FROM checkpoints WHERE job_id = ${jobId} AND step NOT IN (
      (SELECT step FROM checkpoints WHERE job_id = ${jobId} ORDER BY step DESC LIMIT ${NEWEST_KEPT})
      UNION
      (SELECT checkpoints.step FROM checkpoints
        JOIN jobs ON jobs.id = checkpoints.job_id
        JOIN epochs ON epochs.job_id = checkpoints.job_id AND epochs.epoch = checkpoints.epoch
        WHERE checkpoints.job_id = ${jobId} AND NOT coalesce(jobs.training->'validation' ? 'folds', false)
          AND checkpoints.step::bigint * jobs.epochs = checkpoints.epoch::bigint * jobs.steps
        ORDER BY (metrics->>(CASE WHEN metrics ? 'valLoss' THEN 'valLoss' ELSE 'loss' END))::float8 NULLS LAST,
          checkpoints.step
        LIMIT 1))`
}

/** Checkpoints that a resume may begin from, the newest first. */
export async function listCheckpoints(db: Db, jobId: string): Promise<CheckpointRecord[]> {
  const rows = await db.checkpoint.findMany({ where: { jobId }, orderBy: { step: 'desc' } })
  return rows.map(({ step, epoch, sha256, bytes }) => ({ step, epoch, sha256, bytes: Number(bytes) }))
}
