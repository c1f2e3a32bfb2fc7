import path from 'node:path'
import { readConfig } from '../src/config.ts'
import { locateMigrations } from '../src/deps.ts'
import { restoreBackup } from '../src/operations/backup/restore-backup.ts'
import { openBlobStore } from '../src/storage/open-blob-store.ts'
import { withDatabase } from './with-database.ts'

/** `npm run restore -- <folder>`: makes a service from a backup, in an empty database. */
const [folder] = process.argv.slice(2)
if (!folder) throw new Error('a folder is required: npm run restore -- <folder>')
const config = readConfig()
const store = await openBlobStore(config.storage, { attempts: 5, isCached: false })
const { tables, blobs, createdAt, damaged } = await withDatabase(config, databaseUrl =>
  restoreBackup(
    { databaseUrl, dataDir: config.dataDir, blobs: store, migrationsDir: locateMigrations() },
    path.resolve(folder),
  ),
)
const rows = tables.reduce((sum, table) => sum + table.rows, 0)
process.stdout.write(`Restored ${rows} rows and ${blobs.length} files as they were at ${createdAt}\n`)
if (damaged.length > 0) {
  process.stderr.write(
    `${damaged.length} files were missing when the backup was made; see its manifest.json\n`,
  )
}
