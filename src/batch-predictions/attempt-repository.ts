import type { Database, Db } from '../db/client.ts'
import { Prisma } from '../db/generated/client.ts'
import { IS_LOST, leaseUntil, secondsSql } from '../db/lease.ts'
import type { ErrorCode } from '../errors.ts'
import type { Fenced, Wishes } from '../jobs/attempt-repository.ts'
import { type Charges, type InterruptReason, judge } from '../jobs/lifecycle.ts'
import { announceWork } from '../jobs/state-repository.ts'
import type { Blob } from '../storage/blob-store.ts'
import { BATCH_TRANSITIONS } from './lifecycle.ts'
import { type BatchRow, changeBatch, getBatchRow } from './repository.ts'

/** The right to write for a batch prediction: good while it runs under this attempt number. */
export interface BatchFence {
  batchId: string
  attempt: number
}

const holds = ({ attempt }: BatchFence) => Prisma.sql`status = 'running' AND attempt = ${attempt}`

const statusOf = (transition: keyof typeof BATCH_TRANSITIONS) =>
  Prisma.sql`status = ${BATCH_TRANSITIONS[transition].to}::batch_status`

const RELEASED = Prisma.sql`lease_owner = NULL, lease_until = NULL`
const ENDED = Prisma.sql`${RELEASED}, finished_at = now()`

/** An accepted cancel wins over every other end. */
const NOT_CANCELLED = Prisma.sql`cancel_requested_at IS NULL`

/**
 * Takes the one that has waited longest: next attempt, lease.
 * @returns null when none waits
 */
export async function claimBatch(
  db: Database,
  { workerId, leaseSeconds }: { workerId: string; leaseSeconds: number },
): Promise<BatchRow | null> {
  return db.$transaction(async tx => {
    const [next] = await tx.$queryRaw<{ id: string }[]>`
      SELECT id FROM batch_predictions
      WHERE status = 'queued' AND (not_before IS NULL OR not_before <= now())
      ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED`
    if (!next) return null
    await changeBatch(tx, {
      id: next.id,
      set: Prisma.sql`${statusOf('claim')}, attempt = attempt + 1, lease_owner = ${workerId},
        lease_until = ${leaseUntil(leaseSeconds)}, started_at = coalesce(started_at, now()), not_before = NULL`,
      where: Prisma.sql`status = 'queued'`,
    })
    return getBatchRow(tx, next.id)
  })
}

/** Says that the worker is alive. An expired lease is renewed too, as long as nobody else has the batch. */
export async function renewBatchLease(
  db: Db,
  fence: BatchFence,
  leaseSeconds: number,
): Promise<Fenced | ({ fenced: false } & Wishes)> {
  const [row] = await db.$queryRaw<{ cancelRequested: boolean }[]>`
    UPDATE batch_predictions SET lease_until = ${leaseUntil(leaseSeconds)}
    WHERE id = ${fence.batchId} AND ${holds(fence)}
    RETURNING cancel_requested_at IS NOT NULL AS "cancelRequested"`
  return row ? { fenced: false, ...row, pauseRequested: false } : { fenced: true }
}

/** A chunk whose predictions are in the store. */
export interface ChunkRecord {
  index: number
  sha256: string
  rows: number
}

/**
 * Writes a chunk; it is progress, so what was charged no longer counts. One that was computed again, because its file
 * was damaged, counts no second time.
 * @returns false when fenced
 */
export async function recordChunk(db: Database, fence: BatchFence, chunk: ChunkRecord): Promise<boolean> {
  const { batchId } = fence
  const { rows, ...row } = chunk
  return db.$transaction(async tx => {
    const held = await tx.$queryRaw<unknown[]>`
      SELECT 1 FROM batch_predictions WHERE id = ${batchId} AND ${holds(fence)} FOR UPDATE`
    if (held.length === 0) return false
    const { count } = await tx.batchChunk.createMany({ data: [{ batchId, ...row }], skipDuplicates: true })
    return changeBatch(tx, {
      id: batchId,
      set: Prisma.sql`rows_done = rows_done + ${count * rows}, crashes = 0, workers_lost = 0`,
      where: holds(fence),
    })
  })
}

/** Hashes of the chunks that are done, by index. */
export async function listChunks(db: Db, batchId: string): Promise<Map<number, string>> {
  const rows = await db.batchChunk.findMany({ where: { batchId } })
  return new Map(rows.map(({ index, sha256 }) => [index, sha256]))
}

/** What a batch came to. */
export interface BatchResult {
  output: Blob
  evaluation: object | null
  rowsFailed: number
}

/** Ends a batch well; its chunks are needed no more. @returns false when fenced or cancelled */
export async function succeedBatch(
  db: Database,
  fence: BatchFence,
  { output, evaluation, rowsFailed }: BatchResult,
): Promise<boolean> {
  return db.$transaction(async tx => {
    const isChanged = await changeBatch(tx, {
      id: fence.batchId,
      set: Prisma.sql`${statusOf('succeed')}, ${ENDED}, output_sha256 = ${output.sha256},
        output_bytes = ${output.bytes}, rows_failed = ${rowsFailed}, rows_done = rows,
        evaluation = ${evaluation === null ? null : JSON.stringify(evaluation)}::jsonb`,
      where: Prisma.sql`${holds(fence)} AND ${NOT_CANCELLED}`,
    })
    if (isChanged) await tx.batchChunk.deleteMany({ where: { batchId: fence.batchId } })
    return isChanged
  })
}

/** Why a batch failed. */
export interface BatchError {
  code: ErrorCode
  message: string
}

/** Ends a batch that cannot succeed. @returns false when fenced or cancelled */
export async function failBatch(db: Db, fence: BatchFence, error: BatchError): Promise<boolean> {
  return changeBatch(db, {
    id: fence.batchId,
    set: Prisma.sql`${statusOf('fail')}, ${ENDED}, error = ${JSON.stringify(error)}::jsonb`,
    where: Prisma.sql`${holds(fence)} AND ${NOT_CANCELLED}`,
  })
}

/** Who ends an attempt: its worker, or whoever finds that the worker is lost. */
type Ender = 'worker' | 'finder'

const mayEnd = (fence: BatchFence, ender: Ender) =>
  ender === 'worker' ? holds(fence) : Prisma.sql`${holds(fence)} AND ${IS_LOST}`

/** Ends a batch whose cancel was asked for. @returns false when fenced, or nobody asked, or not lost */
export async function cancelBatch(db: Db, fence: BatchFence, ender: Ender = 'worker'): Promise<boolean> {
  return changeBatch(db, {
    id: fence.batchId,
    set: Prisma.sql`${statusOf('cancel')}, ${ENDED}`,
    where: Prisma.sql`${mayEnd(fence, ender)} AND cancel_requested_at IS NOT NULL`,
  })
}

/**
 * Ends an attempt before its batch: it waits again, or is given up when enough counts against it.
 * @param failure - why, in the case that it is given up
 * @returns false when fenced, or a cancel was asked for
 */
export async function interruptBatch(
  db: Database,
  fence: BatchFence,
  reason: InterruptReason,
  failure: BatchError,
): Promise<boolean> {
  const may = mayEnd(fence, reason === 'worker-lost' ? 'finder' : 'worker')
  return db.$transaction(async tx => {
    const [before] = await tx.$queryRaw<Charges[]>`
      SELECT crashes, workers_lost AS "workersLost" FROM batch_predictions
      WHERE id = ${fence.batchId} AND ${may} AND ${NOT_CANCELLED} FOR UPDATE`
    if (!before) return false
    const { charges, isGivenUp, backoffSeconds } = judge(reason, before)
    const end = isGivenUp
      ? Prisma.sql`${statusOf('fail')}, ${ENDED}, error = ${JSON.stringify(failure)}::jsonb`
      : Prisma.sql`${statusOf('interrupt')}, ${RELEASED}, not_before = now() + ${secondsSql(backoffSeconds)}`
    await changeBatch(tx, {
      id: fence.batchId,
      set: Prisma.sql`${end}, crashes = ${charges.crashes}, workers_lost = ${charges.workersLost}`,
      where: holds(fence),
    })
    await announceWork(tx)
    return true
  })
}

/** Attempts whose worker is lost. */
export async function findLostBatches(db: Db): Promise<BatchFence[]> {
  return db.$queryRaw`
    SELECT id AS "batchId", attempt FROM batch_predictions
    WHERE status = 'running' AND ${IS_LOST} ORDER BY lease_until LIMIT 100`
}
