import type { Database, Db } from '../db/client.ts'
import { type BatchPrediction as BatchRow, Prisma } from '../db/generated/client.ts'
import { AppError } from '../errors.ts'
import { announceWork } from '../jobs/state-repository.ts'
import { type BatchInput, blobsOf } from './batch-input.ts'
import { BATCH_TRANSITIONS, type BatchStatus, ENDED_STATUSES } from './lifecycle.ts'
import { type Batch, OUTPUT_TYPES, type OutputFormat } from './schemas.ts'

/** A batch prediction's row. */
export type { BatchRow }

/** A batch prediction that was taken in. */
export interface NewBatch {
  id: string
  modelName: string
  modelVersion: number
  modelFiles: Record<string, string>
  datasetId: string | null
  split: string | null
  output: OutputFormat
  input: BatchInput
  warnings: string[]
  chunkRows: number
  apiKeyId: string | null
}

/** A change of one batch prediction's row. */
export interface BatchChange {
  id: string
  /** Assignments of columns, as SQL. */
  set: Prisma.Sql
  /** When it may happen: every writer names the status, a worker its attempt too. */
  where: Prisma.Sql
}

/** Compares and sets, and wakes whoever watches. @returns false when the condition does not hold */
export async function changeBatch(db: Db, { id, set, where }: BatchChange): Promise<boolean> {
  const changed = await db.$queryRaw<unknown[]>`
    WITH changed AS (UPDATE batch_predictions SET ${set} WHERE id = ${id} AND ${where} RETURNING id)
    SELECT pg_notify('trainyard_job', id)::text FROM changed`
  return changed.length > 0
}

/** Queues a batch prediction. */
export async function insertBatch(db: Db, { input, ...batch }: NewBatch): Promise<void> {
  await db.batchPrediction.create({
    data: {
      ...batch,
      input: input as unknown as Prisma.InputJsonObject, // Prisma's type of JSON takes no interfaces
      inputBlobs: [...blobsOf(input), ...Object.values(batch.modelFiles)],
      rows: input.rows,
    },
  })
  await announceWork(db)
}

/** Keeps a dataset from being deleted until the transaction ends. @returns false when there is none */
export async function holdDataset(tx: Db, id: string): Promise<boolean> {
  const kept = await tx.$queryRaw<unknown[]>`SELECT 1 FROM datasets WHERE id = ${id} FOR SHARE`
  return kept.length > 0
}

/** @throws {AppError} BATCH_NOT_FOUND */
export async function getBatchRow(db: Db, id: string): Promise<BatchRow> {
  const row = await db.batchPrediction.findUnique({ where: { id } })
  if (!row) throw new AppError('BATCH_NOT_FOUND', `no batch prediction has the id ${id}`)
  return row
}

/** The batch prediction as a client sees it. @throws {AppError} BATCH_NOT_FOUND */
export async function getBatch(db: Db, id: string): Promise<Batch> {
  return toWire(await getBatchRow(db, id))
}

/** Newest first; one more than `limit`, when there are more. */
export async function listBatches(
  db: Db,
  query: {
    limit: number
    after?: string | undefined
    status?: BatchStatus | undefined
    model?: string | undefined
  },
): Promise<Batch[]> {
  const { limit, after, status, model } = query
  const rows = await db.batchPrediction.findMany({
    where: {
      ...(after !== undefined && { id: { lt: after } }),
      ...(status && { status }),
      ...(model !== undefined && { modelName: model }),
    },
    orderBy: { id: 'desc' },
    take: limit + 1,
  })
  return rows.map(toWire)
}

/** What became of a wish: `done` at once, `requested` of the worker, or refused. */
export async function requestBatchCancel(
  db: Database,
  id: string,
): Promise<'done' | 'requested' | 'refused'> {
  const { to } = BATCH_TRANSITIONS.cancel
  const isDone = await changeBatch(db, {
    id,
    set: Prisma.sql`status = ${to}::batch_status, cancel_requested_at = now(), finished_at = now()`,
    where: Prisma.sql`status = 'queued'`,
  })
  if (isDone) return 'done'
  const isRequested = await changeBatch(db, {
    id,
    set: Prisma.sql`cancel_requested_at = now()`,
    where: Prisma.sql`status = 'running' AND cancel_requested_at IS NULL`,
  })
  return isRequested ? 'requested' : 'refused'
}

/** Removes one that has ended. @returns false when it has not, or there is none */
export async function deleteEndedBatch(db: Db, id: string): Promise<boolean> {
  const { count } = await db.batchPrediction.deleteMany({
    where: { id, status: { in: [...ENDED_STATUSES] } },
  })
  return count > 0
}

function toWire(row: BatchRow): Batch {
  const time = (date: Date | null) => date?.toISOString() ?? null
  const output = row.output as OutputFormat // a CHECK keeps it to these
  const { outputSha256: sha256, outputBytes } = row
  const result = sha256 !== null && {
    sha256,
    bytes: Number(outputBytes),
    contentType: OUTPUT_TYPES[output],
    failedRows: row.rowsFailed ?? 0,
  }
  return {
    id: row.id,
    model: { name: row.modelName, version: row.modelVersion },
    datasetId: row.datasetId,
    split: row.split,
    output,
    status: row.status,
    attempt: row.attempt,
    progress: { rows: row.rowsDone, total: row.rows },
    warnings: row.warnings,
    evaluation: row.evaluation as Batch['evaluation'], // JSON columns are written by attempts only
    result: result || null,
    error: row.error as Batch['error'],
    createdAt: row.createdAt.toISOString(),
    startedAt: time(row.startedAt),
    finishedAt: time(row.finishedAt),
    cancelRequestedAt: time(row.cancelRequestedAt),
  }
}
