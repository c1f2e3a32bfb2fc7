import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../src/db/embedded-postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated database that tests clone theirs from; nobody connects to it. */
    templateUrl: string
  }
}

/** One Postgres server for the whole run, with a migrated database as template. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-test-'))
  await chmod(folder, 0o755) // as root, the server runs under another account
  const postgres = await startEmbeddedPostgres(path.join(folder, 'postgres'), { fsync: 'off' })
  await migrateInProcess(postgres.url)
  project.provide('templateUrl', postgres.url)
  return async () => {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** In a plain Node process on the compiled code: the WASM engine panics inside the test runner's own process. */
async function migrateInProcess(databaseUrl: string): Promise<void> {
  const compiled = new URL('../dist/src/db/migrate.js', import.meta.url).href
  const folder = new URL('../prisma/migrations', import.meta.url).pathname
  const script = `const { migrate } = await import(${JSON.stringify(compiled)})
    await migrate(process.env.DATABASE_URL, ${JSON.stringify(folder)})`
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, DATABASE_URL: databaseUrl },
  })
}
