import { createHash, randomBytes } from 'node:crypto'
import { readdir, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { insertDataset, type NewDataset } from '../../src/datasets/repository.ts'
import { withAdvisoryLock } from '../../src/db/advisory-lock.ts'
import { createDatabase, type Database } from '../../src/db/client.ts'
import { createRandom } from '../../src/mlp/random.ts'
import { collect } from '../../src/operations/retention.ts'
import { createGarbageCollector } from '../../src/storage/collect-garbage.ts'
import { createDiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { createTestDatabase } from '../helpers/database.ts'
import { createTestFolder } from '../helpers/folder.ts'
import { startTestService, TEST_KEY } from '../helpers/service.ts'
import { until } from '../helpers/until.ts'

const GRACE_MS = 3_600_000
const EVENTS = { eventRetentionDays: 30 }

async function openAll() {
  const databaseUrl = await createTestDatabase()
  const db = createDatabase({ url: databaseUrl, poolSize: 4, onError: () => {} })
  onTestFinished(() => db.$disconnect())
  const folder = await createTestFolder()
  const blobs = createDiskBlobStore(folder)
  return { databaseUrl, db, folder, blobs, garbage: createGarbageCollector({ db, blobs, graceMs: GRACE_MS }) }
}

function datasetOf(name: string, features: string, labels: string): NewDataset {
  const split = { examples: 1, classCounts: { 0: 1 }, features, labels }
  return {
    name,
    format: 'idx',
    kind: 'image',
    sha256: '0'.repeat(64),
    bytes: 1,
    shape: [1],
    dtype: 'uint8',
    columns: null,
    warnings: [],
    task: 'classification',
    targets: [],
    classes: ['0'],
    splits: { train: split },
    statistics: { splits: {} },
  }
}

/** A job that ended some days ago, with events. */
async function insertJob(
  db: Database,
  id: string,
  endedDaysAgo: number | null,
  events: number,
): Promise<void> {
  await db.$executeRawUnsafe(
    `INSERT INTO jobs (id, name, model_name, dataset_id, dataset_sha256, network, training, preprocessing, metadata,
      parameter_count, status, epochs, steps, event_seq, finished_at, cancel_requested_at)
    VALUES ($1, 'a', 'a', 'ds', '', '{}', '{}', '{}', '{}', 1, $2::job_status, 1, 1, $3,
      now() - make_interval(days => $4), now() - make_interval(days => $4))`,
    id,
    endedDaysAgo === null ? 'queued' : 'cancelled',
    events,
    endedDaysAgo,
  )
  await db.$executeRawUnsafe(
    `INSERT INTO job_events (job_id, id, type, data, at)
    SELECT $1, id, 'job.queued', '{}', now() - interval '100 days' FROM generate_series(1, $2) AS id`,
    id,
    events,
  )
}

describe('a blob', () => {
  it('goes when no row names it for longer than the grace, and not before', async () => {
    const { db, blobs, garbage } = await openAll()
    const [features, labels, orphan] = await Promise.all(
      ['f', 'l', 'o'].map(text => blobs.put(Buffer.from(text))),
    )
    if (!features || !labels || !orphan) throw new Error('three were put')
    const dataset = await insertDataset(db, datasetOf('kept', features.sha256, labels.sha256))
    const now = Date.now()
    const laterMs = now + 2 * GRACE_MS
    expect(await garbage.collect(now)).toBe(0)
    expect(await garbage.collect(now + GRACE_MS / 2)).toBe(0)
    expect(await garbage.collect(laterMs)).toBe(1)
    expect(await Promise.all([features, labels, orphan].map(({ sha256 }) => blobs.has(sha256)))).toEqual([
      true,
      true,
      false,
    ])
    await db.dataset.delete({ where: { id: dataset.id } })
    expect(await garbage.collect(laterMs)).toBe(0) // it has no row for the first time
    expect(await garbage.collect(laterMs + GRACE_MS)).toBe(2)
  })

  it('is not taken for garbage by looks that failed, or by the first after them', async () => {
    const { db, blobs, garbage } = await openAll()
    const { sha256 } = await blobs.put(Buffer.from('of a worker that cannot write its row'))
    const now = Date.now()
    expect(await garbage.collect(now)).toBe(0)
    await db.$executeRaw`ALTER TABLE checkpoints RENAME TO checkpoints_away`
    await expect(garbage.collect(now + GRACE_MS)).rejects.toThrow()
    await db.$executeRaw`ALTER TABLE checkpoints_away RENAME TO checkpoints`
    expect(await garbage.collect(now + 2 * GRACE_MS)).toBe(0)
    expect(await blobs.has(sha256)).toBe(true)
  })

  it('that an upload takes up again while it is collected is never lost', async () => {
    const { db, folder, blobs, garbage } = await openAll()
    const contents = Array.from({ length: 8 }, (_, index) => Buffer.from(`content ${index}`))
    const random = createRandom(1, 'uploads')
    const upload = async (content: Buffer, name: string) => {
      await delay(random.integer(50)) // before, during or after the collection
      const { sha256 } = await blobs.put(content)
      return insertDataset(db, datasetOf(name, sha256, sha256))
    }
    let deleted = 0
    for (let round = 0; round < 40; round++) {
      for (const content of contents) {
        const { sha256 } = await blobs.put(content)
        await utimes(path.join(folder, 'blobs', sha256.slice(0, 2), sha256), 1_000, 1_000)
      }
      const now = Date.now()
      await garbage.collect(now - 24 * GRACE_MS) // long ago they were without a row already
      const [count, ...datasets] = await Promise.all([
        garbage.collect(now),
        ...contents.map((content, index) => upload(content, `d${round}-${index}`)),
      ])
      deleted += count
      for (const { id, splits } of datasets) {
        expect(await blobs.has(splits.train?.features ?? ''), `round ${round}`).toBe(true)
        await db.dataset.delete({ where: { id } })
      }
    }
    expect(deleted).toBeGreaterThan(0)
  })
})

it('drafts of uploads that were cut off go after the grace', async () => {
  const { folder, blobs, garbage } = await openAll()
  await blobs.check() // makes the folder
  for (const name of ['old', 'young']) await writeFile(path.join(folder, 'drafts', name), name)
  await utimes(path.join(folder, 'drafts', 'old'), new Date(0), new Date(0))
  await garbage.collect(Date.now())
  expect(await readdir(path.join(folder, 'drafts'))).toEqual(['young'])
})

it('old events of jobs that ended go, but for the last; those of others stay', async () => {
  const { db, garbage } = await openAll()
  await insertJob(db, 'job_old', 31, 12_000)
  await insertJob(db, 'job_new', 29, 3)
  await insertJob(db, 'job_open', null, 3)
  expect(await collect(db, garbage, EVENTS, Date.now())).toMatchObject({ events: 11_999 })
  const events = await db.jobEvent.findMany({ orderBy: [{ jobId: 'asc' }, { id: 'asc' }] })
  expect(events.map(({ jobId, id }) => `${jobId} ${id}`)).toEqual([
    'job_new 1',
    'job_new 2',
    'job_new 3',
    'job_old 12000',
    'job_open 1',
    'job_open 2',
    'job_open 3',
  ])
  expect(await collect(db, garbage, EVENTS, Date.now())).toMatchObject({ events: 0 })
})

it('answers older than 24 hours, tokens and uploads that have expired go', async () => {
  const { db, garbage } = await openAll()
  await db.apiKey.create({ data: { id: 'key_1', name: 'a', sha256: '0'.repeat(64) } })
  for (const [key, hours] of [
    ['old', 25],
    ['new', 23],
  ] as const) {
    const createdAt = new Date(Date.now() - hours * 3_600_000)
    const answer = { fingerprint: '0'.repeat(64), status: 200, contentType: 'application/json' }
    await db.idempotentAnswer.create({
      data: { apiKeyId: 'key_1', key, createdAt, body: Buffer.from('{}'), ...answer },
    })
    const sha256 = createHash('sha256').update(randomBytes(8)).digest('hex')
    const expiresAt = new Date(Date.now() + (24 - hours) * 60_000)
    await db.streamToken.create({ data: { sha256, apiKeyId: 'key_1', expiresAt } })
    await db.upload.create({ data: { id: `upl_${key}`, apiKeyId: 'key_1', bytes: 1, expiresAt } })
  }
  expect(await collect(db, garbage, EVENTS, Date.now())).toEqual({
    blobs: 0,
    events: 0,
    answers: 1,
    tokens: 1,
    uploads: 1,
  })
  expect((await db.idempotentAnswer.findMany()).map(({ key }) => key)).toEqual(['new'])
  expect((await db.upload.findMany()).map(({ id }) => id)).toEqual(['upl_new'])
})

it('one process collects at a time, on its own schedule, and a deleted dataset frees its files', async () => {
  const settings = { TRAINYARD_COLLECTION_SECONDS: '1', TRAINYARD_GARBAGE_SECONDS: '60' }
  const service = await startTestService({ environment: settings })
  const id = await service.uploadStripes()
  expect((await service.request(`/v1/datasets/${id}`, { method: 'DELETE' })).status).toBe(204)
  const orphans = await readdir(path.join(service.dataDir, 'drafts')).catch(() => [])
  expect(orphans).toEqual([])
  await service.request('/v1/stream-tokens', {
    method: 'POST',
    headers: { authorization: `Bearer ${TEST_KEY}` },
  })
  const db = createDatabase({ url: service.databaseUrl, poolSize: 1, onError: () => {} })
  onTestFinished(() => db.$disconnect())
  const expire = () => db.streamToken.updateMany({ data: { expiresAt: new Date(0) } })
  await withAdvisoryLock(service.databaseUrl, 'trainyard_collection', { wait: true }, async () => {
    await expire()
    const other = await withAdvisoryLock(
      service.databaseUrl,
      'trainyard_collection',
      { wait: false },
      async () => 1,
    )
    expect(other).toBe(null)
    expect(await db.streamToken.count()).toBe(1)
  })
  await until(async () => (await db.streamToken.count()) === 0, { what: 'the collection' })
  await until(() => service.api.output().includes('garbage collected'), { what: 'the log of it' })
})
