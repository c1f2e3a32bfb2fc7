import { Metadata } from '@tus/server'
import type { Database, Db } from '../db/client.ts'
import type { Upload as UploadRow } from '../db/generated/client.ts'
import { AppError } from '../errors.ts'

/** An upload as it is stored. */
export interface StoredUpload {
  id: string
  metadata: Record<string, string | null>
  /** Of the whole file. */
  bytes: number
  /** How many are there, from the start. */
  receivedBytes: number
  createdAt: Date
  expiresAt: Date
}

/** A part that was received, or that is to be added. */
export interface UploadPart {
  /** Of its first byte, in the file. */
  offset: number
  bytes: number
  /** Of its blob. */
  sha256: string
}

/** When an upload is over that nothing more comes for. */
const expiry = (hours: number) => new Date(Date.now() + hours * 3_600_000)

/** Adds an upload without bytes. */
export async function insertUpload(
  db: Db,
  upload: Pick<StoredUpload, 'id' | 'metadata' | 'bytes'> & { apiKeyId: string; hours: number },
): Promise<StoredUpload> {
  const { hours, metadata, ...rest } = upload
  const text = Metadata.stringify(metadata) || null
  return toStored(await db.upload.create({ data: { ...rest, metadata: text, expiresAt: expiry(hours) } }))
}

/**
 * An upload of a key, expired or not.
 * @throws {AppError} UPLOAD_NOT_FOUND, also when it is another key's
 */
export async function getUpload(db: Db, apiKeyId: string, id: string): Promise<StoredUpload> {
  const row = await db.upload.findFirst({ where: { id, apiKeyId } })
  if (!row) throw notFound(id)
  return toStored(row)
}

/** Newest first; one more than `limit`, when there are more. */
export async function listUploads(
  db: Db,
  apiKeyId: string,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<StoredUpload[]> {
  const rows = await db.upload.findMany({
    where: { apiKeyId, ...(after !== undefined && { id: { lt: after } }) },
    orderBy: { id: 'desc' },
    take: limit + 1,
  })
  return rows.map(toStored)
}

/** The parts of an upload, from its start. */
export async function listParts(db: Db, uploadId: string): Promise<UploadPart[]> {
  const rows = await db.uploadPart.findMany({ where: { uploadId }, orderBy: { offset: 'asc' } })
  return rows.map(({ offset, bytes, sha256 }) => ({ offset: Number(offset), bytes: Number(bytes), sha256 }))
}

/**
 * Makes a request the one that writes. Whoever wrote before can no longer: it may be a connection that its client
 * has given up.
 * @returns the fencing number, or null when the upload is not at this offset
 */
export async function claimWriting(db: Db, id: string, offset: number): Promise<number | null> {
  const [row] = await db.$queryRaw<{ writer: number }[]>`
    UPDATE uploads SET writer = writer + 1 WHERE id = ${id} AND received = ${offset} RETURNING writer`
  return row?.writer ?? null
}

/**
 * Adds a part whose blob is stored, and puts the expiry off.
 * @returns false when the writer no longer is the one that may, or the upload was deleted
 */
export async function addPart(
  db: Db,
  { id, writer, hours }: { id: string; writer: number; hours: number },
  { offset, bytes, sha256 }: UploadPart,
): Promise<boolean> {
  const added = await db.$executeRaw`
    WITH moved AS (
      UPDATE uploads SET received = received + ${bytes}, expires_at = ${expiry(hours)}
      WHERE id = ${id} AND writer = ${writer} AND received = ${offset} RETURNING id
    )
    INSERT INTO upload_parts (upload_id, "offset", bytes, sha256)
    SELECT id, ${offset}, ${bytes}, ${sha256} FROM moved`
  return added === 1
}

/**
 * Deletes an upload of a key; its bytes go with the next collection of garbage.
 * @throws {AppError} UPLOAD_NOT_FOUND; UPLOAD_IN_USE while a dataset is made from it
 */
export async function deleteUpload(db: Database, apiKeyId: string, id: string): Promise<void> {
  await db.$transaction(async tx => {
    const locked = await tx.$queryRaw<unknown[]>`
      SELECT 1 FROM uploads WHERE id = ${id} AND api_key_id = ${apiKeyId} FOR UPDATE`
    if (locked.length === 0) throw notFound(id)
    const [use] = await tx.$queryRaw<{ id: string }[]>`
      SELECT dataset_id AS id FROM dataset_tasks, jsonb_each_text(files) AS file WHERE file.value = ${id} LIMIT 1`
    if (use) throw new AppError('UPLOAD_IN_USE', `the dataset ${use.id} must be processed first`)
    await tx.upload.delete({ where: { id } })
  })
}

/**
 * Keeps uploads until a dataset is made from them, however long that takes: a deletion that waits for this
 * transaction sees the new expiry, and a later one sees the task that is inserted in it.
 * @throws {AppError} UPLOAD_NOT_FOUND when one was deleted meanwhile
 */
export async function holdUploads(tx: Db, ids: readonly string[], hours: number): Promise<void> {
  for (const id of [...new Set(ids)].sort()) {
    const held = await tx.$executeRaw`
      UPDATE uploads SET expires_at = GREATEST(expires_at, ${expiry(hours)}) WHERE id = ${id}`
    if (held === 0) throw notFound(id)
  }
}

/** Deletes uploads that are over, but for those that a dataset is being made from. @returns how many */
export async function deleteExpiredUploads(db: Db): Promise<number> {
  return db.$executeRaw`
    DELETE FROM uploads WHERE expires_at <= now() AND NOT EXISTS (
      SELECT 1 FROM dataset_tasks, jsonb_each_text(files) AS file WHERE file.value = uploads.id
    )`
}

function notFound(id: string): AppError {
  return new AppError('UPLOAD_NOT_FOUND', `no upload of this key has the id ${id}`)
}

function toStored({ id, metadata, bytes, received, createdAt, expiresAt }: UploadRow): StoredUpload {
  return {
    id,
    metadata: metadata === null ? {} : Metadata.parse(metadata),
    bytes: Number(bytes),
    receivedBytes: Number(received),
    createdAt,
    expiresAt,
  }
}
