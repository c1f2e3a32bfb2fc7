import { expect, it, vi } from 'vitest'
import { limitMemory, trainersOf } from '../helpers/processes.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { until } from '../helpers/until.ts'

vi.setConfig({ testTimeout: 150_000 })

/** Enough epochs that a test can step in while they run. */
const LONG = { training: { epochs: 5_000, batchSize: 5, seed: 1 } }

const eventsOf = async (service: TestService, id: string): Promise<Json[]> =>
  (await service.json(`/v1/jobs/${id}/events?limit=10000`)).data

it('a trainer that crashes each time fails its job after 3 attempts, with waits between, and no other', async () => {
  const service = await startTestService({ environment: { TRAINYARD_CHECKPOINT_SECONDS: '1000' } })
  const worker = await service.startWorker()
  const dataset = await service.uploadStripes()
  const id = await service.submit(dataset, LONG)
  for (let crash = 1; crash <= 3; crash++) {
    await service.untilJob(id, ({ status, attempt }) => status === 'running' && attempt === crash)
    const [trainer = 0] = trainersOf(worker.pid)
    process.kill(trainer, 'SIGSEGV') // before its first checkpoint, a second after the start at the earliest
    await until(() => !trainersOf(worker.pid).includes(trainer))
  }
  const job = await service.untilJob(id, ({ finishedAt }) => finishedAt !== null)
  expect(job).toMatchObject({
    status: 'failed',
    attempt: 3,
    error: { code: 'WORKER_CRASHED', message: expect.stringContaining('signal SIGSEGV'), param: null },
  })
  expect(job.error.logTail).toBeInstanceOf(Array)
  const events = await eventsOf(service, id)
  const waits = events.flatMap((event, index) => {
    const next = events[index + 1]
    return event.type === 'job.interrupted' && next ? [Date.parse(next.at) - Date.parse(event.at)] : []
  })
  expect(waits).toHaveLength(2)
  expect(waits[0]).toBeGreaterThanOrEqual(990)
  expect(waits[0]).toBeLessThan(4_000)
  expect(waits[1]).toBeGreaterThanOrEqual(4_990)
  expect(waits[1]).toBeLessThan(8_000)
  const other = await service.submit(dataset)
  await service.untilJob(other, ({ status }) => status === 'succeeded')
})

it('a job that runs longer than it may fails after a checkpoint, and a retry goes on from there', async () => {
  const service = await startTestService()
  await service.startWorker()
  const training = { ...LONG.training, epochs: 10_000, maxRuntimeSeconds: 6 }
  const id = await service.submit(await service.uploadStripes(), { training })
  const job = await service.untilJob(id, ({ finishedAt }) => finishedAt !== null)
  expect(job).toMatchObject({ status: 'failed', error: { code: 'MAX_RUNTIME_EXCEEDED' } })
  expect(job.error.message).toContain('6 seconds')
  const types = (await eventsOf(service, id)).map(({ type }) => type)
  expect(types.slice(-2)).toEqual(['job.checkpoint', 'job.failed'])
  await service.json(`/v1/jobs/${id}/retry`, { method: 'POST' })
  const again = await service.untilJob(id, ({ status, attempt }) => status === 'failed' && attempt === 2)
  expect(again.error.code).toBe('MAX_RUNTIME_EXCEEDED')
  expect(again.progress.epoch).toBeGreaterThan(job.progress.epoch)
})

it('a trainer that can get no more memory fails its job, and no other', async () => {
  const service = await startTestService()
  const worker = await service.startWorker()
  const dataset = await service.uploadStripes()
  const [trainer = 0] = trainersOf(worker.pid)
  limitMemory(trainer, 100 * 2 ** 20)
  const layers = [
    { type: 'dense', units: 6_000, activation: 'relu' },
    { type: 'dense', units: 6_000, activation: 'relu' }, // 144 MB, and as much for each of Adam's two slots
    { type: 'dense', units: 3, activation: 'softmax' },
  ]
  const id = await service.submit(dataset, { network: { layers } })
  const job = await service.untilJob(id, ({ finishedAt }) => finishedAt !== null)
  expect(job).toMatchObject({ status: 'failed', attempt: 1, error: { code: 'OUT_OF_MEMORY' } })
  const other = await service.submit(dataset)
  await service.untilJob(other, ({ status }) => status === 'succeeded')
  expect(await worker.end('SIGTERM')).toEqual({ code: 0, signal: null })
})

it('a worker that was stopped past its lease kills its trainer when it comes back, and spoils nothing', async () => {
  const service = await startTestService()
  const first = await service.startWorker()
  const id = await service.submit(await service.uploadStripes(), {
    training: { ...LONG.training, epochs: 10_000 },
  })
  await until(async () => (await eventsOf(service, id)).some(({ type }) => type === 'job.checkpoint'))
  const [trainer = 0] = trainersOf(first.pid)
  for (const pid of [first.pid, trainer]) process.kill(pid, 'SIGSTOP')
  const second = await service.startWorker()
  await service.untilJob(id, ({ status, attempt }) => status === 'running' && attempt === 2)
  for (const pid of [trainer, first.pid]) process.kill(pid, 'SIGCONT')
  await until(() => !trainersOf(first.pid).includes(trainer), {
    timeoutMs: 5_000,
    what: 'the end of the trainer',
  })
  await service.json(`/v1/jobs/${id}/cancel`, { method: 'POST' })
  await service.untilJob(id, ({ status }) => status === 'cancelled')
  const { data } = await service.json(`/v1/jobs/${id}/epochs?limit=10000`)
  expect(data.map((row: Json) => row.epoch)).toEqual(data.map((_: Json, index: number) => index + 1))
  await until(() => second.output().includes('job cancelled'))
})
