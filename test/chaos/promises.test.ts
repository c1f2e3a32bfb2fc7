import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { isAlive, signalTo, trainersOf } from '../helpers/processes.ts'
import { hasRedis, startRedisServer } from '../helpers/redis.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { until } from '../helpers/until.ts'
import { startPostgresServer } from './postgres.ts'

/** Some ten seconds on one core. */
const LONG = { training: { epochs: 600, batchSize: 5, seed: 1 } }
const LEASE_SECONDS = 5

/** Its checkpoints have some hundred kilobytes. */
const WIDE = {
  layers: [
    { type: 'dense', units: 1_000, activation: 'relu' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
}

const report = (what: string, ms: number) =>
  process.stdout.write(`measured: ${what}: ${(ms / 1_000).toFixed(1)} s\n`)

const eventsOf = async (service: TestService, id: string): Promise<Json[]> =>
  (await service.json(`/v1/jobs/${id}/events?limit=1000`)).data

async function expectWholeHistory(service: TestService, id: string, epochs: number): Promise<void> {
  const { data } = await service.json(`/v1/jobs/${id}/epochs?limit=1000`)
  expect(data.map(({ epoch }: Json) => epoch)).toEqual(
    Array.from({ length: epochs }, (_, index) => index + 1),
  )
}

/** A job that trains and has a checkpoint. */
async function startLongJob(service: TestService, datasetId: string): Promise<string> {
  const id = await service.submit(datasetId, LONG)
  await until(async () => (await eventsOf(service, id)).some(({ type }) => type === 'job.checkpoint'), {
    what: 'a checkpoint',
  })
  return id
}

it('P3: a killed trainer’s job trains again within seconds, a killed worker’s within lease + 2 s', async () => {
  const service = await startTestService()
  const workers = [await service.startWorker(), await service.startWorker()]
  const id = await startLongJob(service, await service.uploadStripes())
  const holderOf = (attempt: number) =>
    until(() => workers.find(({ output }) => new RegExp(`"attempt":${attempt},.*job claimed`).test(output())))
  const isTraining = (attempt: number) => (job: Json) => job.attempt === attempt && job.phase === 'training'

  const busy = await holderOf(1)
  const [trainer = 0] = await until(() => {
    const pids = trainersOf(busy.pid)
    return pids.length > 0 ? pids : null
  })
  const before = (await eventsOf(service, id)).length
  signalTo(trainer, 'SIGKILL')
  const killedMs = performance.now()
  await until(async () => (await eventsOf(service, id)).length > before || !isAlive(trainer))
  await service
    .untilJob(id, job => job.attempt >= 2 && job.phase === 'training', 'the second attempt')
    .catch(() => null)
  const afterTrainer = await service.json(`/v1/jobs/${id}`)
  if (afterTrainer.attempt >= 2) report('killed trainer to training again', performance.now() - killedMs)

  const { attempt } = afterTrainer
  const victim = await holderOf(attempt)
  await victim.end('SIGKILL')
  const lostMs = performance.now()
  await service.untilJob(id, isTraining(attempt + 1), 'the attempt of the other worker')
  report('killed worker to training again', performance.now() - lostMs)
  await service.untilJob(id, ({ status }) => status === 'succeeded')
  await expectWholeHistory(service, id, LONG.training.epochs)
})

it('P5: a trainer that stands still is killed and its job goes on', async () => {
  const service = await startTestService({ environment: { TRAINYARD_TRAINER_SILENCE_SECONDS: '5' } })
  const worker = await service.startWorker()
  const id = await startLongJob(service, await service.uploadStripes())
  const frozen = trainersOf(worker.pid)
  for (const pid of frozen) signalTo(pid, 'SIGSTOP')
  const stoppedMs = performance.now()
  await service.untilJob(id, ({ attempt }) => attempt === 2, 'the second attempt')
  report('trainer that stands still (silence 5 s) to next attempt', performance.now() - stoppedMs)
  for (const pid of frozen) signalTo(pid, 'SIGCONT')
  await service.untilJob(id, ({ status }) => status === 'succeeded')
  await until(() => !frozen.some(isAlive), { what: 'the end of those that stood still' })
  await expectWholeHistory(service, id, LONG.training.epochs)
})

it.runIf(hasRedis())(
  'P6: an emptied queue server loses nothing, and no running job starts again',
  async () => {
    const redis = await startRedisServer(onTestFinished)
    const service = await startTestService({ environment: { REDIS_URL: redis.url } })
    await service.startWorker({ TRAINYARD_WORKER_SLOTS: '2' })
    const datasetId = await service.uploadStripes()
    const running = [await startLongJob(service, datasetId), await startLongJob(service, datasetId)]
    const queued = []
    for (let index = 0; index < 20; index++) queued.push(await service.submit(datasetId))
    await redis.empty()
    for (const id of [...running, ...queued]) {
      expect((await service.untilJob(id, ({ finishedAt }) => finishedAt !== null)).status).toBe('succeeded')
    }
    for (const id of running) expect((await service.json(`/v1/jobs/${id}`)).attempt).toBe(1)
  },
)

it.runIf(hasRedis())(
  'P7: while the queue server is away jobs are taken, and run in order when it is back',
  async () => {
    const redis = await startRedisServer(onTestFinished)
    const service = await startTestService({ environment: { REDIS_URL: redis.url } })
    await service.startWorker()
    const datasetId = await service.uploadStripes()
    await redis.end('SIGKILL')
    await until(
      async () => ((await (await service.request('/readyz')).json()) as Json).status === 'degraded',
      {
        what: '/readyz to say degraded',
      },
    )
    expect((await service.request('/readyz')).status).toBe(200)
    const ids: string[] = []
    const times: number[] = []
    for (let index = 0; index < 20; index++) {
      const askedMs = performance.now()
      ids.push(await service.submit(datasetId))
      times.push(performance.now() - askedMs)
    }
    report('slowest of 20 submissions without the queue server', Math.max(...times))
    await redis.start()
    const backMs = performance.now()
    const jobs = []
    for (const id of ids) jobs.push(await service.untilJob(id, ({ status }) => status === 'succeeded'))
    report('20 jobs after its return', performance.now() - backMs)
    const starts = jobs.map(({ startedAt }) => startedAt)
    expect(starts).toEqual([...starts].sort())
  },
)

it('P8: while Postgres is away answers are 503 within 2 seconds, and a training goes on and reports afterwards', async () => {
  const postgres = await startPostgresServer(onTestFinished)
  const service = await startTestService({ databaseUrl: postgres.url })
  await service.startWorker()
  const id = await startLongJob(service, await service.uploadStripes())
  await postgres.kill()
  const goneMs = performance.now()
  while (performance.now() - goneMs < 2 * LEASE_SECONDS * 1_000) {
    const askedMs = performance.now()
    const answer = await service.request('/v1/jobs')
    expect(performance.now() - askedMs).toBeLessThan(2_000)
    expect([answer.status, ((await answer.json()) as Json).code]).toEqual([503, 'DATABASE_UNAVAILABLE'])
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
  }
  expect((await service.request('/healthz')).status).toBe(200)
  expect((await service.request('/readyz')).status).toBe(503)
  await postgres.start()
  const backMs = performance.now()
  await until(async () => (await service.request('/v1/jobs')).status === 200, { what: 'answers' })
  report('Postgres back to answers', performance.now() - backMs)
  const job = await service.untilJob(id, ({ status }) => status === 'succeeded')
  const interruptions = (await eventsOf(service, id)).filter(({ type }) => type === 'job.interrupted')
  expect(interruptions, 'the trainer kept its job').toEqual([])
  expect(job.attempt).toBe(1)
  await expectWholeHistory(service, id, LONG.training.epochs)
})

it('P8: while Postgres stands still, with its connections open, answers are 503 within 2 seconds too', async () => {
  const postgres = await startPostgresServer(onTestFinished)
  const service = await startTestService({ databaseUrl: postgres.url })
  await service.startWorker()
  const id = await startLongJob(service, await service.uploadStripes())
  onTestFinished(() => postgres.signal('SIGCONT'))
  await postgres.signal('SIGSTOP')
  for (let round = 0; round < 4; round++) {
    const askedMs = performance.now()
    const answer = await service.request('/v1/jobs')
    report('answer while Postgres stands still', performance.now() - askedMs)
    expect(performance.now() - askedMs).toBeLessThan(2_500)
    expect([answer.status, ((await answer.json()) as Json).code]).toEqual([503, 'DATABASE_UNAVAILABLE'])
  }
  await postgres.signal('SIGCONT')
  await service.untilJob(id, ({ status }) => status === 'succeeded')
  await expectWholeHistory(service, id, LONG.training.epochs)
})

it('P10: a rolling restart of two workers under load fails no job and charges no attempt', async () => {
  const service = await startTestService()
  let workers = [await service.startWorker(), await service.startWorker()]
  const datasetId = await service.uploadStripes()
  const ids = []
  for (let index = 0; index < 6; index++)
    ids.push(await service.submit(datasetId, { training: { ...LONG.training, epochs: 150 } }))
  for (const old of workers) {
    await service.untilJob(ids[0] ?? '', ({ attempt }) => attempt >= 1)
    const next = await service.startWorker()
    expect((await old.end('SIGTERM')).code).toBe(0)
    workers = [...workers.filter(worker => worker !== old), next]
  }
  for (const id of ids) {
    await service.untilJob(id, ({ status }) => status === 'succeeded')
    const reasons = (await eventsOf(service, id)).flatMap(({ type, data }) =>
      type === 'job.interrupted' ? [data.reason] : [],
    )
    expect(reasons.filter(reason => reason !== 'shutdown')).toEqual([])
  }
})

it('P14: a full disk fails the job that needs it, with STORAGE_FULL; models answer, and a retry goes on', async context => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'trainyard-full-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return context.skip('nothing may be mounted here')
  }
  onTestFinished(() => void execFileSync('umount', ['--lazy', folder]))
  const service = await startTestService({ environment: { TRAINYARD_DATA_DIR: folder } })
  await service.startWorker()
  const datasetId = await service.uploadStripes()
  const first = await service.submit(datasetId)
  await service.untilJob(first, ({ status }) => status === 'succeeded')
  const filler = path.join(folder, 'filler')
  await expect(writeFile(filler, Buffer.alloc(16 * 1024 ** 2))).rejects.toMatchObject({ code: 'ENOSPC' })
  const second = await service.submit(datasetId, { network: WIDE })
  const failed = await service.untilJob(second, ({ finishedAt }) => finishedAt !== null)
  expect(failed).toMatchObject({ status: 'failed', error: { code: 'STORAGE_FULL' } })
  const prediction = await service.request('/v1/models/stripes/predict', {
    method: 'POST',
    body: JSON.stringify({ instances: [Array(36).fill(1)] }),
    headers: { 'content-type': 'application/json' },
  })
  expect(prediction.status).toBe(200)
  await rm(filler)
  await service.json(`/v1/jobs/${second}/retry`, { method: 'POST' })
  await service.untilJob(second, ({ status }) => status === 'succeeded')
})

it.runIf(hasRedis())('a deployment that moves its queue from Postgres to Redis loses no job', async () => {
  const service = await startTestService()
  const datasetId = await service.uploadStripes()
  const ids = []
  for (let index = 0; index < 10; index++) ids.push(await service.submit(datasetId))
  await service.api.end('SIGTERM')
  const redis = await startRedisServer(onTestFinished)
  service.environment.REDIS_URL = redis.url
  await service.startApi()
  await service.startWorker()
  for (const id of ids) await service.untilJob(id, ({ status }) => status === 'succeeded')
})
