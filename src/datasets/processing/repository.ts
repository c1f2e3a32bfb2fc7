import { randomUUID } from 'node:crypto'
import type { Database, Db } from '../../db/client.ts'
import { holdUploads } from '../../uploads/repository.ts'
import {
  completeDataset,
  failDataset,
  insertProcessing,
  type NewDataset,
  type StoredDataset,
} from '../repository.ts'
import type { Dataset } from '../schemas.ts'
import type { DatasetSource } from './uploads-request.ts'

/** A dataset that is being processed by whoever holds this. */
export interface DatasetTask extends DatasetSource {
  datasetId: string
  /** How often it was begun, this time included. */
  attempts: number
  /** Names the claim: only its holder may finish. */
  owner: string
}

/** Adds a dataset that is to be made, and keeps its uploads until it is. */
export async function insertTask(
  db: Database,
  name: string,
  source: DatasetSource,
  uploadHours: number,
): Promise<StoredDataset> {
  return db.$transaction(async tx => {
    await holdUploads(tx, Object.values(source.files), uploadHours)
    const dataset = await insertProcessing(tx, name)
    await tx.datasetTask.create({
      data: { datasetId: dataset.id, options: source.options, files: source.files },
    })
    return dataset
  })
}

/**
 * Takes the oldest dataset that nobody is at: a new one, or one whose process has been silent for its lease.
 * @returns null when there is none
 */
export async function claimTask(db: Db, leaseSeconds: number): Promise<DatasetTask | null> {
  const owner = randomUUID()
  const [task] = await db.$queryRaw<Omit<DatasetTask, 'owner'>[]>`
    UPDATE dataset_tasks
    SET owner = ${owner}, attempts = attempts + 1, lease_until = now() + make_interval(secs => ${leaseSeconds})
    WHERE dataset_id = (
      SELECT dataset_id FROM dataset_tasks WHERE lease_until IS NULL OR lease_until <= now()
      ORDER BY dataset_id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING dataset_id AS "datasetId", options, files, attempts`
  return task ? { ...task, owner } : null
}

/** @returns false when the task is another's now, or its dataset was deleted */
export async function renewTask(
  db: Db,
  { datasetId, owner }: DatasetTask,
  leaseSeconds: number,
): Promise<boolean> {
  const renewed = await db.$executeRaw`
    UPDATE dataset_tasks SET lease_until = now() + make_interval(secs => ${leaseSeconds})
    WHERE dataset_id = ${datasetId} AND owner = ${owner}`
  return renewed === 1
}

/** Gives a task back that somebody shall begin anew, after a while; nothing is counted against it. */
export async function releaseTask(
  db: Db,
  { datasetId, owner }: DatasetTask,
  afterSeconds: number,
): Promise<void> {
  await db.$executeRaw`
    UPDATE dataset_tasks
    SET owner = NULL, attempts = attempts - 1, lease_until = now() + make_interval(secs => ${afterSeconds})
    WHERE dataset_id = ${datasetId} AND owner = ${owner}`
}

/**
 * Ends a task: its dataset is ready, or failed.
 * @returns false when the task is another's now, or its dataset was deleted; then nothing is written
 */
export async function finishTask(
  db: Database,
  { datasetId, owner }: DatasetTask,
  end: { dataset: NewDataset } | { error: NonNullable<Dataset['error']> },
): Promise<boolean> {
  return db.$transaction(async tx => {
    // In the order in which a deletion locks, or each would wait for the other.
    await tx.$queryRaw`SELECT 1 FROM datasets WHERE id = ${datasetId} FOR UPDATE`
    const { count } = await tx.datasetTask.deleteMany({ where: { datasetId, owner } })
    if (count === 0) return false
    if ('dataset' in end) await completeDataset(tx, datasetId, end.dataset)
    else await failDataset(tx, datasetId, end.error)
    return true
  })
}
