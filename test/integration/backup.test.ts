import { appendFile, readdir, readFile, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createEmptyDatabase } from '../helpers/database.ts'
import { createTestFolder } from '../helpers/folder.ts'
import { type Json, startProcess, startTestService, TEST_KEY, type TestService } from '../helpers/service.ts'
import { until } from '../helpers/until.ts'

const INPUTS = {
  instances: Array.from({ length: 20 }, (_, seed) =>
    Array.from({ length: 36 }, (_, at) => (seed * 31 + at * 7) % 256),
  ),
}

/** Runs `npm run backup` or `npm run restore` as it is compiled. */
async function run(command: 'backup' | 'restore', folder: string, environment: NodeJS.ProcessEnv) {
  const child = startProcess(`launcher/${command}`, environment, onTestFinished, [folder])
  await until(() => child.child.exitCode !== null, { timeoutMs: 60_000, what: `the end of ${command}` })
  return { code: child.child.exitCode, output: child.output() }
}

async function ask(url: string, where: string, body?: object): Promise<Json> {
  const response = await fetch(`${url}${where}`, {
    headers: { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  })
  expect(response.status, where).toBeLessThan(300)
  return (await response.json()) as Json
}

/** A service with a dataset, a model, a job that waits; and where it can be restored to. */
async function prepare() {
  const service = await startTestService()
  const worker = await service.startWorker()
  const datasetId = await service.uploadStripes()
  const done = await service.submit(datasetId, { training: { epochs: 3, seed: 7 } })
  await service.untilJob(done, ({ status }) => status === 'succeeded')
  await worker.end('SIGTERM')
  const queued = await service.submit(datasetId)
  const folder = path.join(await createTestFolder(), 'backup')
  const target = {
    ...service.environment,
    DATABASE_URL: await createEmptyDatabase(),
    TRAINYARD_DATA_DIR: path.join(await createTestFolder(), 'data'),
  }
  return { service, datasetId, done, queued, folder, target }
}

async function blobFiles(dataDir: string): Promise<string[]> {
  const files = await readdir(path.join(dataDir, 'blobs'), { recursive: true })
  return files.filter(file => path.basename(file).length === 64).sort()
}

async function weightsFile(service: TestService): Promise<string> {
  const { sha256 } = await service.json('/v1/models/stripes/versions/1')
  const manifest = await readFile(path.join(service.dataDir, 'blobs', sha256.slice(0, 2), sha256), 'utf8')
  const weights: string = JSON.parse(manifest).files['weights.bin']
  return path.join(service.dataDir, 'blobs', weights.slice(0, 2), weights)
}

it('backed up at work, wiped and restored, a service predicts the same to the bit and goes on with its jobs', async () => {
  const { service, datasetId, done, queued, folder, target } = await prepare()
  const paths = [
    '/v1/datasets',
    '/v1/jobs',
    '/v1/models',
    `/v1/jobs/${done}/epochs`,
    `/v1/jobs/${done}/events`,
  ]
  const read = (url: string) =>
    Promise.all([
      ...paths.map(where => ask(url, where)),
      ask(url, '/v1/models/stripes/predict?topK=3', INPUTS),
      ask(url, `/v1/datasets/${datasetId}/examples?limit=100`),
    ])
  const before = await read(service.url)
  const backup = await run('backup', folder, service.environment)
  expect(backup, backup.output).toMatchObject({ code: 0, output: expect.stringContaining('Backed up') })
  await service.api.end('SIGKILL')
  await rm(service.dataDir, { recursive: true })

  const restore = await run('restore', folder, target)
  expect(restore, restore.output).toMatchObject({ code: 0, output: expect.stringContaining('Restored') })
  const api = startProcess('src/server', target, onTestFinished)
  const url = await until(() => /"url":"([^"]+)","msg":"the API is ready"/.exec(api.output())?.[1], {
    what: 'a ready API',
  })
  expect(JSON.stringify(await read(url))).toBe(JSON.stringify(before))

  startProcess('worker/main', target, onTestFinished)
  const job = await until(async () => {
    const job = await ask(url, `/v1/jobs/${queued}`)
    return job.status === 'succeeded' ? job : null
  })
  expect(job.modelVersion).toBe(2)
  expect(
    (
      await ask(url, '/v1/jobs', {
        datasetId,
        network: { layers: [{ type: 'dense', units: 3, activation: 'softmax' }] },
      })
    ).queuePosition,
  ).toBeGreaterThan(0)
})

it('a restore refuses a database with rows, a backup that is not whole, and one that is damaged', async () => {
  const { service, folder, target } = await prepare()
  const none = await run('restore', folder, target)
  expect(none).toMatchObject({ code: 1, output: expect.stringContaining('there is none') })
  expect((await run('backup', folder, service.environment)).code).toBe(0)
  const again = await run('backup', folder, service.environment)
  expect(again).toMatchObject({ code: 1, output: expect.stringContaining('empty folder') })
  const full = await run('restore', folder, { ...target, DATABASE_URL: service.databaseUrl })
  expect(full).toMatchObject({
    code: 1,
    output: expect.stringMatching(/the database must be empty; its table \w+ has rows/),
  })
  await appendFile(path.join(folder, 'tables', 'jobs.copy'), ' ')
  const damaged = await run('restore', folder, target)
  expect(damaged).toMatchObject({ code: 1, output: expect.stringContaining('its table jobs is damaged') })
})

it('a backup names the files that were damaged, and holds all the others', async () => {
  const { service, folder, target } = await prepare()
  const files = await blobFiles(service.dataDir)
  const weights = await weightsFile(service)
  await truncate(weights, 10)
  const backup = await run('backup', folder, service.environment)
  expect(backup).toMatchObject({ code: 1, output: expect.stringContaining(path.basename(weights)) })
  expect((await run('restore', folder, target)).code).toBe(0)
  const restored = await blobFiles(target.TRAINYARD_DATA_DIR)
  expect(restored).toEqual(files.filter(file => path.basename(file) !== path.basename(weights)))
})
