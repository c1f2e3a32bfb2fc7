import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { withAdvisoryLock } from '../../db/advisory-lock.ts'
import { withConnection } from '../../db/with-connection.ts'
import { BlobDamagedError, type BlobStore } from '../../storage/blob-store.ts'
import { createDiskBlobStore } from '../../storage/disk-blob-store.ts'
import { REFERENCED_BLOBS } from '../../storage/repository.ts'
import { copyBlob } from './copy-blob.ts'
import { type BackupManifest, writeManifest } from './manifest.ts'
import { copyOut, listMigrations, listTables } from './tables.ts'

/** What is backed up. */
export interface BackupSource {
  databaseUrl: string
  /** Where the generated key is. */
  dataDir: string
  blobs: BlobStore
  /** Of the service. */
  version: string
}

/**
 * Writes a backup of a service, which may be at work: the rows as they are at one moment, then the files that those
 * rows name. Files never change and go only by the collection of garbage, whose lock is held meanwhile, so each of
 * them is still there.
 *
 * Rows are read by COPY in one snapshot, as `pg_dump` does. `pg_dump` itself is not among the binaries of the
 * embedded Postgres, and one on the path refuses servers newer than itself; so nothing but Node is needed here.
 * @param folder - must be empty, or is made
 * @throws Error when the folder is not empty, the database is not a service's, or the lock was lost
 */
export async function writeBackup(source: BackupSource, folder: string): Promise<BackupManifest> {
  await mkdir(path.join(folder, 'tables'), { recursive: true, mode: 0o700 })
  if ((await readdir(folder)).length > 1 || (await readdir(path.join(folder, 'tables'))).length > 0) {
    throw new Error(`a backup must go into an empty folder; ${folder} is not`)
  }
  const manifest = await withAdvisoryLock(
    source.databaseUrl,
    'trainyard_collection',
    { wait: true },
    async lost => {
      const { referenced, ...rows } = await writeRows(source.databaseUrl, folder)
      const blobs = await writeBlobs(source.blobs, referenced, folder)
      lost.throwIfAborted()
      return { format: 'trainyard-backup/1' as const, version: source.version, ...rows, ...blobs }
    },
  )
  if (!manifest) throw new Error('the lock of the collection must be waited for')
  await copyIfThere(path.join(source.dataDir, 'api-key'), path.join(folder, 'api-key'))
  await writeManifest(folder, manifest)
  return manifest
}

function writeRows(databaseUrl: string, folder: string) {
  return withConnection(databaseUrl, async client => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const { rows: times } = await client.query<{ now: Date }>('SELECT now()')
    const migrations = await listMigrations(client)
    if (migrations.length === 0) throw new Error('the database must be that of a service; it has no schema')
    const tables: BackupManifest['tables'] = []
    for (const table of await listTables(client)) {
      const file = path.join(folder, 'tables', `${table.name}.copy`)
      tables.push({ ...table, ...(await copyOut(client, table, file)) })
    }
    const { rows } = await client.query<{ sha256: string }>(REFERENCED_BLOBS)
    await client.query('COMMIT')
    return {
      createdAt: (times[0]?.now ?? new Date()).toISOString(),
      migrations,
      tables,
      referenced: rows.map(({ sha256 }) => sha256).sort(),
    }
  })
}

async function writeBlobs(from: BlobStore, referenced: readonly string[], folder: string) {
  const to = createDiskBlobStore(folder)
  const blobs: BackupManifest['blobs'] = []
  const damaged: string[] = []
  for (const sha256 of referenced) {
    try {
      blobs.push({ sha256, bytes: await copyBlob(from, to, sha256) })
    } catch (error) {
      if (!(error instanceof BlobDamagedError)) throw error
      damaged.push(sha256)
    }
  }
  await rm(path.join(folder, 'drafts'), { recursive: true, force: true })
  return { blobs, damaged }
}

/** The key that was made at the first start; there is none when the settings gave it. */
async function copyIfThere(from: string, to: string): Promise<void> {
  await copyFile(from, to).catch(error => {
    if (error.code !== 'ENOENT') throw error
  })
}
