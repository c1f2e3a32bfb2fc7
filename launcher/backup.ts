import path from 'node:path'
import { readConfig } from '../src/config.ts'
import { writeBackup } from '../src/operations/backup/write-backup.ts'
import { openBlobStore } from '../src/storage/open-blob-store.ts'
import { readVersion } from '../src/version.ts'
import { withDatabase } from './with-database.ts'

/** `npm run backup -- <folder>`: the database and the files of its store, while the service is at work or not. */
const [folder] = process.argv.slice(2)
if (!folder) throw new Error('a folder is required: npm run backup -- <folder>')
const config = readConfig()
const store = await openBlobStore(config.storage, { attempts: 5, isCached: false })
const { tables, blobs, damaged } = await withDatabase(config, databaseUrl =>
  writeBackup(
    { databaseUrl, dataDir: config.dataDir, blobs: store, version: readVersion() },
    path.resolve(folder),
  ),
)
const rows = tables.reduce((sum, table) => sum + table.rows, 0)
const bytes = blobs.reduce((sum, blob) => sum + blob.bytes, 0)
process.stdout.write(
  `Backed up ${rows} rows and ${blobs.length} files (${bytes} bytes) to ${path.resolve(folder)}\n`,
)
if (damaged.length > 0) {
  process.stderr.write(`${damaged.length} files were missing or damaged already:\n${damaged.join('\n')}\n`)
  process.exitCode = 1
}
