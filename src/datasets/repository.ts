import type { Database, Db } from '../db/client.ts'
import type { Dataset as DatasetRow, Prisma } from '../db/generated/client.ts'
import { AppError } from '../errors.ts'
import { newId } from '../ids.ts'
import type { DatasetContent, StoredSplits } from './content.ts'
import type { Dataset, DatasetFormat, FeatureStatistics, SplitName } from './schemas.ts'
import type { Duplicates, TrainingLook } from './statistics/schemas.ts'

/**
 * A dataset as it is stored: with its blobs. Only a ready one has examples; of another, nothing is known of its files.
 */
export interface StoredDataset
  extends Omit<Dataset, 'splits' | UnknownField>,
    Pick<DatasetContent, 'kind' | 'dtype' | 'task'> {
  format: DatasetFormat
  splits: StoredSplits
}

type UnknownField = 'format' | 'kind' | 'dtype' | 'task'

/** What an upload finds out of the examples. */
export interface UploadFigures {
  splits: Partial<Record<SplitName, FeatureStatistics>>
  /** Absent until they are counted. */
  duplicates?: Duplicates
}

/** What an upload found. */
export interface NewDataset extends DatasetContent {
  name: string
  format: DatasetFormat
  sha256: string
  bytes: number
  statistics: UploadFigures
  warnings: string[]
}

/** Adds a ready dataset as the next version of its name. */
export async function insertDataset(db: Database, dataset: NewDataset): Promise<StoredDataset> {
  return insertNextVersion(db, dataset.name, readyColumns(dataset))
}

/** Adds a dataset whose files are still to be read as the next version of its name. */
export async function insertProcessing(db: Database, name: string): Promise<StoredDataset> {
  const empty = { bytes: 0, splits: {}, statistics: { splits: {} } }
  return insertNextVersion(db, name, { ...empty, status: 'processing' })
}

/** Makes a dataset ready whose files were read. */
export async function completeDataset(db: Db, id: string, dataset: NewDataset): Promise<void> {
  await db.dataset.update({ where: { id, status: 'processing' }, data: readyColumns(dataset) })
}

/** Ends a dataset whose files cannot be read. */
export async function failDataset(db: Db, id: string, error: NonNullable<Dataset['error']>): Promise<void> {
  await db.dataset.update({ where: { id, status: 'processing' }, data: { status: 'failed', error } })
}

async function insertNextVersion(
  db: Database,
  name: string,
  columns: Omit<Prisma.DatasetUncheckedCreateInput, 'id' | 'name' | 'version' | 'processing'>,
): Promise<StoredDataset> {
  const row = await db.$transaction(async tx => {
    // Uploads under one name take turns, so that versions have no gap and no double.
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 0))`
    const last = await tx.dataset.aggregate({ where: { name }, _max: { version: true } })
    return tx.dataset.create({
      data: { ...columns, id: newId('ds'), name, version: (last._max.version ?? 0) + 1 },
      omit: UNREAD,
    })
  })
  return toStored(row)
}

function readyColumns({ name: _name, splits, statistics, columns, ...rest }: NewDataset) {
  return {
    ...rest,
    status: 'ready' as const,
    splits: splits as Prisma.InputJsonObject,
    ...(columns && { columns }),
    statistics: { ...statistics },
  }
}

/** @returns null when there is none */
export async function findDataset(db: Db, id: string): Promise<StoredDataset | null> {
  const row = await db.dataset.findUnique({ where: { id }, omit: UNREAD })
  return row && toStored(row)
}

/** @throws {AppError} DATASET_NOT_FOUND */
export async function getDataset(db: Db, id: string): Promise<StoredDataset> {
  const dataset = await findDataset(db, id)
  if (!dataset) throw notFound(id)
  return dataset
}

/**
 * What is known about the examples of a ready dataset.
 * @returns its figures from the upload, what was found later (null before), and the warnings of both
 * @throws {AppError} DATASET_NOT_FOUND
 */
export async function getFigures(
  db: Db,
  id: string,
): Promise<{ upload: UploadFigures; trainingLook: TrainingLook | null; warnings: string[] }> {
  const select = { statistics: true, trainingLook: true, warnings: true }
  const row = await db.dataset.findUnique({ where: { id }, select })
  if (!row) throw notFound(id)
  // Written by readyColumns and keepFigures only.
  return {
    upload: row.statistics as unknown as UploadFigures,
    trainingLook: row.trainingLook as TrainingLook | null,
    warnings: row.warnings,
  }
}

/** Keeps what was found about a dataset; nothing when it was deleted meanwhile. */
export async function keepFigures(
  db: Db,
  id: string,
  figures: { upload: UploadFigures; trainingLook: TrainingLook; warnings: string[] },
): Promise<void> {
  const { upload, trainingLook, warnings } = figures
  await db.dataset.updateMany({ where: { id }, data: { statistics: { ...upload }, trainingLook, warnings } })
}

/** @returns null when the name has no such version */
export async function findVersion(db: Db, name: string, version: number): Promise<StoredDataset | null> {
  const row = await db.dataset.findUnique({ where: { name_version: { name, version } }, omit: UNREAD })
  return row && toStored(row)
}

/** The version of the same name that came before, as far as it was not deleted. @returns null when there is none */
export async function findVersionBefore(
  db: Db,
  { name, version }: Pick<StoredDataset, 'name' | 'version'>,
): Promise<StoredDataset | null> {
  const row = await db.dataset.findFirst({
    where: { name, version: { lt: version }, status: 'ready' },
    orderBy: { version: 'desc' },
    omit: UNREAD,
  })
  return row && toStored(row)
}

/** Newest first; one more than `limit`, when there are more. */
export async function listDatasets(
  db: Db,
  query: { limit: number; after?: string | undefined; name?: string | undefined },
): Promise<StoredDataset[]> {
  const rows = await db.dataset.findMany({
    where: { ...(query.name && { name: query.name }), ...(query.after && { id: { lt: query.after } }) },
    orderBy: { id: 'desc' },
    take: query.limit + 1,
    omit: UNREAD,
  })
  return rows.map(toStored)
}

/**
 * Removes a dataset that no unfinished job needs. Its row is locked before the jobs are counted, and a job is
 * submitted under a lock on the same row, so neither can slip by the other.
 * @throws {AppError} DATASET_NOT_FOUND, DATASET_IN_USE
 */
export async function deleteDataset(db: Database, id: string): Promise<void> {
  await db.$transaction(async tx => {
    const locked = await tx.$queryRaw<unknown[]>`SELECT 1 FROM datasets WHERE id = ${id} FOR UPDATE`
    if (locked.length === 0) throw notFound(id)
    const jobs = await tx.job.findMany({
      where: { datasetId: id, status: { in: ['queued', 'running', 'paused'] } },
      select: { id: true },
      take: 3,
    })
    if (jobs.length > 0) {
      throw new AppError(
        'DATASET_IN_USE',
        `jobs that use it must end first: ${jobs.map(job => job.id).join(', ')}`,
      )
    }
    await tx.dataset.delete({ where: { id } })
  })
}

function notFound(id: string): AppError {
  return new AppError('DATASET_NOT_FOUND', `no dataset has the id ${id}`)
}

/** Large, and for `getFigures` alone. */
const UNREAD = { statistics: true, trainingLook: true } as const

function toStored(row: Omit<DatasetRow, keyof typeof UNREAD>): StoredDataset {
  return {
    ...row,
    // Written by readyColumns only, as are the next ones; null in a dataset that is not ready, whose files nobody needs.
    format: row.format as StoredDataset['format'],
    kind: row.kind as StoredDataset['kind'],
    dtype: row.dtype as StoredDataset['dtype'],
    task: row.task as StoredDataset['task'],
    columns: row.columns as Dataset['columns'],
    splits: row.splits as unknown as StoredSplits,
    error: row.error as Dataset['error'],
    bytes: Number(row.bytes),
    createdAt: row.createdAt.toISOString(),
  }
}
