import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createDatabase } from '../../src/db/client.ts'
import { createGarbageCollector } from '../../src/storage/collect-garbage.ts'
import { openBlobStore } from '../../src/storage/open-blob-store.ts'
import { createEmptyDatabase } from '../helpers/database.ts'
import { createTestFolder } from '../helpers/folder.ts'
import { bucketSettings, hasS3Server, S3_CREDENTIALS, startS3Server } from '../helpers/s3.ts'
import { type Json, startProcess, startTestService, TEST_KEY } from '../helpers/service.ts'
import { openSeverableRoute } from '../helpers/severable.ts'
import { until } from '../helpers/until.ts'

const ROWS = { instances: [Array.from({ length: 36 }, (_, at) => (at * 7) % 256)] }

async function namesOf(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort()
}

it.skipIf(!hasS3Server())(
  'with its files in a bucket, a service trains, predicts, is backed up to disk, and leaves nothing behind',
  async () => {
    const server = await startS3Server(onTestFinished)
    const route = await openSeverableRoute(server.url)
    onTestFinished(() => route.close())
    const bucket = await server.createBucket('files')
    const environment = {
      ...bucket,
      TRAINYARD_S3_ENDPOINT: route.url,
      TRAINYARD_RESIDENT_BYTES_MAX: '1048576',
      TRAINYARD_CHECKPOINT_SECONDS: '1',
    }
    const service = await startTestService({ environment })
    await service.startWorker()
    const datasetId = await service.uploadStripes(30_000) // features of 1,080,000 bytes: trained in blocks
    const training = { epochs: 2, batchSize: 100, seed: 1 }
    const jobId = await service.submit(datasetId, { training })
    const job = await service.untilJob(jobId, ({ finishedAt }) => finishedAt !== null)
    expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'succeeded', modelVersion: 1 })
    const ask = async (url: string): Promise<Json> => {
      const headers = { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' }
      const response = await fetch(`${url}/v1/models/stripes/predict`, {
        method: 'POST',
        headers,
        body: JSON.stringify(ROWS),
      })
      return { status: response.status, ...((await response.json()) as Json) }
    }
    const predicted = await ask(service.url)
    expect(predicted.status).toBe(200)
    expect(await namesOf(service.dataDir)).toEqual(['cache', 'drafts'])
    expect(await namesOf(path.join(service.dataDir, 'drafts'))).toEqual([])

    // Its files go into a backup on disk, and from there into a service without a bucket.
    const backup = path.join(await createTestFolder(), 'backup')
    const restored = {
      ...service.environment,
      TRAINYARD_STORAGE: 'disk',
      DATABASE_URL: await createEmptyDatabase(),
      TRAINYARD_DATA_DIR: await createTestFolder(),
    }
    for (const [command, env] of [
      ['backup', service.environment],
      ['restore', restored],
    ] as const) {
      const { child, output } = startProcess(`launcher/${command}`, env, onTestFinished, [backup])
      await until(() => child.exitCode !== null, { what: `the end of ${command}` })
      expect(child.exitCode, output()).toBe(0)
    }
    const other = await service.startOtherApi(restored)
    expect(await ask(other.url)).toEqual(predicted)
    await other.end('SIGTERM')

    // While the bucket is away, what needs it is refused, and the rest goes on.
    route.cut()
    const examples = await service.request(`/v1/datasets/${datasetId}/examples`)
    expect(examples.status).toBe(503)
    expect(examples.headers.get('retry-after')).toBe('2')
    expect(await examples.json()).toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    expect((await (await service.request('/readyz')).json()) as Json).toMatchObject({
      status: 'unready',
      parts: { database: 'ok', storage: 'away' },
    })
    expect((await service.request(`/v1/datasets/${datasetId}`)).status).toBe(200)
    expect((await ask(service.url)).status).toBe(200) // from memory
    route.mend()
    expect((await service.request(`/v1/datasets/${datasetId}/examples`)).status).toBe(200)

    // A training waits for it, and loses nothing.
    const longId = await service.submit(datasetId, { training: { ...training, epochs: 40 } })
    await service.untilJob(longId, ({ progress }) => progress?.epoch >= 1)
    route.cut()
    const refused = route.refusals()
    await until(() => route.refusals() >= refused + 3, { what: 'a trainer that tries' })
    route.mend()
    const long = await service.untilJob(longId, ({ finishedAt }) => finishedAt !== null)
    expect(long, JSON.stringify(long.error)).toMatchObject({ status: 'succeeded', attempt: 1 })

    for (const what of [
      `jobs/${jobId}`,
      `jobs/${longId}`,
      'models/stripes/versions/2',
      `datasets/${datasetId}`,
      'models/stripes/versions/1',
    ]) {
      expect((await service.request(`/v1/${what}`, { method: 'DELETE' })).status, what).toBe(204)
    }
    for (const [name, value] of Object.entries(S3_CREDENTIALS)) vi.stubEnv(name, value)
    const settings = { ...bucketSettings(server.url, 'files', await createTestFolder()), prefix: '' }
    const blobs = await openBlobStore(settings, { attempts: 2, isCached: false })
    const db = createDatabase({ url: service.databaseUrl, poolSize: 1, onError: () => {} })
    onTestFinished(() => db.$disconnect())
    const collector = createGarbageCollector({ db, blobs, graceMs: 1 })
    const count = async () => {
      let found = 0
      for await (const _blob of blobs.list()) found++
      return found
    }
    expect(await count()).toBeGreaterThan(5)
    await collector.collect(Date.now() + 60_000)
    await collector.collect(Date.now() + 120_000)
    expect(await count()).toBe(0)
  },
)
