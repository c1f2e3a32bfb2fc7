import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Config } from '../src/config.ts'
import { startEmbeddedPostgres } from '../src/db/embedded-postgres.ts'

/** Works with the database of the settings: the configured one, or the embedded one, started if it is not running. */
export async function withDatabase<Result>(
  config: Config,
  work: (databaseUrl: string) => Promise<Result>,
): Promise<Result> {
  if (config.databaseUrl !== null) return work(config.databaseUrl)
  await mkdir(config.dataDir, { recursive: true }) // as root, another account must be able to enter it
  const postgres = await startEmbeddedPostgres(path.join(config.dataDir, 'postgres'))
  try {
    return await work(postgres.url)
  } finally {
    if (!postgres.wasRunning) await postgres.stop()
  }
}
