import pg from 'pg'
import { expect } from 'vitest'
import { createDatabase } from '../../src/db/client.ts'
import { createGarbageCollector } from '../../src/storage/collect-garbage.ts'
import { createDiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { findReferencedBlobs } from '../../src/storage/repository.ts'

/** What became of the jobs of a round. */
export interface RoundReport {
  statuses: Record<string, number>
  attempts: number
}

const HOUR_MS = 3_600_000

/**
 * Checks what must hold after any storm: every accepted job has ended, once; each that succeeded made one version and
 * has every epoch once; nothing was made twice by a request that was sent again; no file is left that nothing names.
 * @param accepted - ids that were answered with 202
 */
export async function expectNothingLost(
  databaseUrl: string,
  dataDir: string,
  accepted: readonly string[],
): Promise<RoundReport> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const query = async (sql: string, ...values: unknown[]) => (await client.query(sql, values)).rows
    const jobs = await query('SELECT id, status, attempt, error, epochs FROM jobs')
    expect(jobs.map(({ id }) => id).sort(), 'each accepted job is there, once').toEqual([...accepted].sort())
    const ends = ['succeeded', 'failed', 'cancelled']
    expect(
      jobs.filter(({ status }) => !ends.includes(status)),
      'jobs that have not ended',
    ).toEqual([])
    const failed = jobs.filter(({ status }) => status === 'failed')
    for (const { id, error } of failed) {
      expect(['WORKER_CRASHED', 'WORKER_LOST'], `${id}: ${JSON.stringify(error)}`).toContain(error.code)
    }
    expect(
      await query(`SELECT jobs.id FROM jobs LEFT JOIN model_versions ON job_id = jobs.id
        GROUP BY jobs.id, jobs.status HAVING count(job_id) <> CASE WHEN status = 'succeeded' THEN 1 ELSE 0 END`),
      'one version for each that succeeded, none for others',
    ).toEqual([])
    expect(
      await query(`SELECT jobs.id FROM jobs LEFT JOIN epochs ON epochs.job_id = jobs.id
        WHERE jobs.status = 'succeeded' GROUP BY jobs.id, jobs.epochs
        HAVING count(epochs.epoch) <> jobs.epochs OR min(epochs.epoch) <> 1 OR max(epochs.epoch) <> jobs.epochs`),
      'no epoch is missing or double',
    ).toEqual([])
    expect(
      await query(`SELECT job_id FROM job_events GROUP BY job_id HAVING count(*) <> max(id) OR min(id) <> 1`),
      'events are numbered without gaps',
    ).toEqual([])
    expect(await query('SELECT job_id FROM outbox'), 'nobody waits').toEqual([])
    await expectNoOrphans(databaseUrl, dataDir)
    const statuses: Record<string, number> = {}
    for (const { status } of jobs) statuses[status] = (statuses[status] ?? 0) + 1
    return { statuses, attempts: jobs.reduce((sum, { attempt }) => sum + attempt, 0) }
  } finally {
    await client.end()
  }
}

/** Two collections, an hour later: what is left is what rows name. */
async function expectNoOrphans(databaseUrl: string, dataDir: string): Promise<void> {
  const db = createDatabase({ url: databaseUrl, poolSize: 2, onError: () => {} })
  const blobs = createDiskBlobStore(dataDir)
  try {
    const garbage = createGarbageCollector({ db, blobs, graceMs: HOUR_MS })
    const now = Date.now()
    for (const later of [0, 2, 4]) await garbage.collect(now + later * HOUR_MS)
    const named = await findReferencedBlobs(db)
    const left: string[] = []
    for await (const { sha256 } of blobs.list()) left.push(sha256)
    expect(
      left.filter(sha256 => !named.has(sha256)),
      'files that nothing names',
    ).toEqual([])
    expect(
      [...named].filter(sha256 => !left.includes(sha256)),
      'files that rows name and are gone',
    ).toEqual([])
  } finally {
    await db.$disconnect()
  }
}
