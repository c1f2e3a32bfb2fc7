import { constants, copyFile, cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { LOCK_FILE, migrate, readMigrationNames } from '../../db/migrate.ts'
import { withConnection } from '../../db/with-connection.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import { createDiskBlobStore } from '../../storage/disk-blob-store.ts'
import { copyBlob } from './copy-blob.ts'
import { type BackupManifest, readManifest } from './manifest.ts'
import { copyIn, hashFile, listMigrations, listTables } from './tables.ts'

/** Where a backup is restored to. */
export interface RestoreTarget {
  databaseUrl: string
  /** Where the generated key goes. */
  dataDir: string
  /** Any kind of store, whichever the backup was made from. */
  blobs: BlobStore
  /** The folder of this version's migrations. */
  migrationsDir: string
}

/**
 * Makes a service again from its backup: the files first, so that no row ever names one that is missing, then the
 * schema as it was, then all rows in one transaction. The next start migrates what is newer. After a failure it can
 * be run again.
 * @throws Error when the backup is not whole, is of a newer version, or the database is not empty
 */
export async function restoreBackup(target: RestoreTarget, folder: string): Promise<BackupManifest> {
  const manifest = await readManifest(folder)
  await assertRestorable(target, folder, manifest)
  await mkdir(target.dataDir, { recursive: true })
  const from = createDiskBlobStore(folder)
  for (const { sha256 } of manifest.blobs) await copyBlob(from, target.blobs, sha256)
  await migrateTo(target, manifest.migrations)
  await insertRows(target.databaseUrl, folder, manifest)
  await copyIfMissing(path.join(folder, 'api-key'), path.join(target.dataDir, 'api-key'))
  return manifest
}

async function assertRestorable(
  target: RestoreTarget,
  folder: string,
  manifest: BackupManifest,
): Promise<void> {
  const known = await readMigrationNames(target.migrationsDir)
  const unknown = manifest.migrations.filter(name => !known.includes(name))
  if (unknown.length > 0) {
    throw new Error(`the backup must be of this version or an older one; it has the migration ${unknown[0]}`)
  }
  for (const { name, sha256 } of manifest.tables) {
    if ((await hashFile(path.join(folder, 'tables', `${name}.copy`))) !== sha256) {
      throw new Error(`the backup must be whole; its table ${name} is damaged`)
    }
  }
  await withConnection(target.databaseUrl, async client => {
    for (const { name } of await listTables(client)) {
      const { rowCount } = await client.query(`SELECT 1 FROM ${pg.escapeIdentifier(name)} LIMIT 1`)
      if (rowCount) throw new Error(`the database must be empty; its table ${name} has rows`)
    }
    const extra = (await listMigrations(client)).filter(name => !manifest.migrations.includes(name))
    if (extra.length > 0) {
      throw new Error(`the database must be a new one; its schema is newer than the backup (${extra[0]})`)
    }
  })
}

async function migrateTo(
  { databaseUrl, migrationsDir }: RestoreTarget,
  names: readonly string[],
): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-restore-'))
  try {
    for (const name of [LOCK_FILE, ...names]) {
      await cp(path.join(migrationsDir, name), path.join(folder, name), { recursive: true })
    }
    await migrate(databaseUrl, folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function insertRows(databaseUrl: string, folder: string, { tables }: BackupManifest): Promise<void> {
  await withConnection(databaseUrl, async client => {
    await client.query('BEGIN')
    for (const { rows, ...table } of tables) {
      const inserted = await copyIn(client, table, path.join(folder, 'tables', `${table.name}.copy`))
      if (inserted !== rows) {
        throw new Error(`the table ${table.name} must have ${rows} rows; received ${inserted}`)
      }
    }
    await client.query('COMMIT')
  })
}

async function copyIfMissing(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_EXCL).catch(error => {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error
  })
}
