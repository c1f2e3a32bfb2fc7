import type { Database, Db } from '../db/client.ts'
import { Prisma } from '../db/generated/client.ts'
import { GRACE_SECONDS, IS_LOST, secondsSql } from '../db/lease.ts'
import type { ErrorCode } from '../errors.ts'
import { type Fence, holds } from './attempt-repository.ts'
import { type Charges, judge, type Loss, TRANSITIONS } from './lifecycle.ts'
import { announceWork, changeJob, enqueue, transitionSql } from './state-repository.ts'

/** Why a job failed. */
export interface JobError {
  code: ErrorCode
  /** What happened, and what to do. */
  message: string
  param: string | null
  /** The last lines that its trainer wrote, the oldest first; empty when it did not run. */
  logTail: readonly string[]
}

/** Nobody holds the job any more; the time that the attempt ran is added up. */
const RELEASED = Prisma.sql`phase = NULL, lease_owner = NULL, lease_until = NULL, eta_seconds = NULL,
  attempt_started_at = NULL, pause_requested_at = NULL, runtime_seconds = runtime_seconds
    + greatest(0, extract(epoch FROM least(now(), lease_until + ${secondsSql(GRACE_SECONDS)}) - attempt_started_at))`

/** An end for good. */
const ENDED = Prisma.sql`${RELEASED}, finished_at = now()`

/** To be gone on with by another attempt. */
const LAID_ASIDE = Prisma.sql`${RELEASED}, examples_per_second = NULL`

/** An accepted cancel wins over every other end. */
const NOT_CANCELLED = Prisma.sql`cancel_requested_at IS NULL`

/**
 * Ends a job well, unless a cancel was accepted before.
 * @param insertVersion - makes the model version, together with the status or not at all
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
      SELECT 1 FROM jobs WHERE id = ${fence.jobId} AND ${holds(fence)} AND ${NOT_CANCELLED} FOR UPDATE`
    if (locked.length === 0) return null
    const version = await insertVersion(tx)
    const { to, event } = transitionSql('succeed')
    await changeJob(tx, {
      id: fence.jobId,
      set: Prisma.sql`${to}, ${ENDED}, model_version = ${version},
        evaluation = ${evaluation === null ? null : JSON.stringify(evaluation)}::jsonb`,
      where: holds(fence),
      event: { type: event, data: { modelVersion: version } },
    })
    await announceWork(tx) // a slot is free
    return version
  })
}

/** Ends a job that cannot succeed. @returns false when fenced or cancelled */
export async function failJob(db: Db, fence: Fence, error: JobError): Promise<boolean> {
  const { to, event } = transitionSql('fail')
  const failed = await changeJob(db, {
    id: fence.jobId,
    set: Prisma.sql`${to}, ${ENDED}, error = ${JSON.stringify(error)}::jsonb`,
    where: Prisma.sql`${holds(fence)} AND ${NOT_CANCELLED}`,
    event: { type: event, data: { error } },
  })
  await announceWork(db)
  return failed !== null
}

/** Who ends an attempt: its worker, or whoever finds that the worker is lost. */
export type Ender = 'worker' | 'finder'

const mayEnd = (fence: Fence, ender: Ender) =>
  ender === 'worker' ? holds(fence) : Prisma.sql`${holds(fence)} AND ${IS_LOST}`

/** Ends a job whose cancel was asked for. @returns false when fenced, or nobody asked, or not lost */
export async function cancelJob(db: Db, fence: Fence, ender: Ender = 'worker'): Promise<boolean> {
  const { to, event } = transitionSql('cancel')
  const cancelled = await changeJob(db, {
    id: fence.jobId,
    set: Prisma.sql`${to}, ${ENDED}`,
    where: Prisma.sql`${mayEnd(fence, ender)} AND cancel_requested_at IS NOT NULL`,
    event: { type: event, data: {} },
  })
  await announceWork(db)
  return cancelled !== null
}

/** Lays a job aside whose pause was asked for. @returns false when fenced, or nobody asked, or not lost */
export async function pauseJob(db: Db, fence: Fence, ender: Ender = 'worker'): Promise<boolean> {
  const { to, event } = transitionSql('pause')
  const paused = await changeJob(db, {
    id: fence.jobId,
    set: Prisma.sql`${to}, ${LAID_ASIDE}`,
    where: Prisma.sql`${mayEnd(fence, ender)} AND pause_requested_at IS NOT NULL`,
    event: { type: event, data: {} },
  })
  await announceWork(db)
  return paused !== null
}

/** What became of an interrupted attempt; `refused`: fenced, or a cancel or pause was asked for. */
export type Interruption = 'queued' | 'failed' | 'refused'

/**
 * Ends an attempt before its job: the job waits again, at its old place in the line, to resume from its checkpoint.
 * What counts against it is counted, and when that is enough the job fails.
 * @param failure - why, in the case that the job is given up; null for a hand-over, which fails no job
 */
export async function interruptJob(
  db: Database,
  fence: Fence,
  ...[reason, failure]: [reason: Loss, failure: JobError] | [reason: 'shutdown', failure: null]
): Promise<Interruption> {
  const may = mayEnd(fence, reason === 'worker-lost' ? 'finder' : 'worker')
  return db.$transaction(async tx => {
    const [before] = await tx.$queryRaw<Charges[]>`
      SELECT crashes, workers_lost AS "workersLost" FROM jobs
      WHERE id = ${fence.jobId} AND ${may} AND ${NOT_CANCELLED} AND pause_requested_at IS NULL
      FOR UPDATE`
    if (!before) return 'refused'
    const { charges, isGivenUp, backoffSeconds } = judge(reason, before)
    const { to } = TRANSITIONS[isGivenUp ? 'fail' : 'interrupt']
    const error = isGivenUp ? JSON.stringify(failure) : null
    await changeJob(tx, {
      id: fence.jobId,
      set: Prisma.sql`status = ${to}::job_status, ${isGivenUp ? ENDED : LAID_ASIDE}, crashes = ${charges.crashes},
        workers_lost = ${charges.workersLost}, error = ${error}::jsonb`,
      where: holds(fence),
      event: isGivenUp
        ? { type: TRANSITIONS.fail.event, data: { error: failure } }
        : { type: TRANSITIONS.interrupt.event, data: { reason, ...charges } },
    })
    if (isGivenUp) await announceWork(tx)
    else await enqueue(tx, fence.jobId, backoffSeconds)
    return isGivenUp ? 'failed' : 'queued'
  })
}

/** Attempts whose worker is lost, with the ones first that have been silent longest. */
export async function findLostAttempts(db: Db): Promise<Fence[]> {
  return db.$queryRaw`
    SELECT id AS "jobId", attempt FROM jobs WHERE status = 'running' AND ${IS_LOST} ORDER BY lease_until LIMIT 100`
}
