import pg from 'pg'
import { expect, it, vi } from 'vitest'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { stopBetweenTransactions } from '../helpers/stop-worker.ts'
import { until } from '../helpers/until.ts'

vi.setConfig({ testTimeout: 150_000 })

/** Enough epochs that a test can step in while they run. */
const LONG = { training: { epochs: 400, batchSize: 5, seed: 1 } }

/** More than a test waits for. */
const ENDLESS = { training: { ...LONG.training, epochs: 10_000 } }

async function post(
  service: TestService,
  id: string,
  action: string,
): Promise<{ status: number; body: Json }> {
  const response = await service.request(`/v1/jobs/${id}/${action}`, { method: 'POST' })
  return { status: response.status, body: (await response.json()) as Json }
}

const typesOf = async (service: TestService, id: string): Promise<string[]> =>
  (await service.json(`/v1/jobs/${id}/events?limit=10000`)).data.map(({ type }: Json) => type)

it('a running job that is paused gives its slot to others, and goes on when it is resumed', async () => {
  const service = await startTestService()
  await service.startWorker({ TRAINYARD_WORKER_SLOTS: '1' })
  const dataset = await service.uploadStripes()
  const id = await service.submit(dataset, LONG)
  await service.untilJob(id, job => job.progress.epoch >= 2)
  expect(await post(service, id, 'resume')).toMatchObject({
    status: 409,
    body: { code: 'JOB_NOT_RESUMABLE' },
  })
  const asked = await post(service, id, 'pause')
  expect(asked.status).toBe(200)
  const paused = await service.untilJob(id, ({ status }) => status === 'paused')
  expect(paused).toMatchObject({
    attempt: 1,
    phase: null,
    pauseRequestedAt: null,
    finishedAt: null,
    error: null,
  })
  expect((await typesOf(service, id)).slice(-2)).toEqual(['job.checkpoint', 'job.paused'])
  expect(await post(service, id, 'pause')).toMatchObject({ status: 409, body: { code: 'JOB_NOT_PAUSABLE' } })

  const other = await service.submit(dataset)
  await service.untilJob(other, ({ status }) => status === 'succeeded')
  expect((await service.json(`/v1/jobs/${id}`)).status).toBe('paused')

  const resumed = await post(service, id, 'resume')
  expect(resumed).toMatchObject({ status: 202, body: { id, status: 'queued' } })
  await service.untilJob(id, ({ status, attempt }) => status === 'succeeded' && attempt === 2)
  const { data } = await service.json(`/v1/jobs/${id}/epochs`)
  expect(data.map((row: Json) => row.epoch)).toEqual(Array.from({ length: 400 }, (_, index) => index + 1))
  expect(await typesOf(service, id)).not.toContain('job.interrupted')
  expect(await post(service, id, 'pause')).toMatchObject({ status: 409, body: { code: 'JOB_NOT_PAUSABLE' } })
})

it('a queued job is paused, resumed and cancelled at once', async () => {
  const service = await startTestService()
  const dataset = await service.uploadStripes()
  const first = await service.submit(dataset)
  const second = await service.submit(dataset)
  expect(await post(service, first, 'pause')).toMatchObject({
    status: 200,
    body: { status: 'paused', queuePosition: null, attempt: 0 },
  })
  expect((await service.json(`/v1/jobs/${second}`)).queuePosition).toBe(1)
  expect((await post(service, first, 'resume')).body).toMatchObject({ status: 'queued', queuePosition: 2 })
  expect(await post(service, first, 'resume')).toMatchObject({
    status: 409,
    body: { code: 'JOB_NOT_RESUMABLE' },
  })
  await post(service, first, 'pause')
  expect((await post(service, first, 'cancel')).body).toMatchObject({ status: 'cancelled' })
  expect(await typesOf(service, first)).toEqual([
    'job.queued',
    'job.paused',
    'job.resumed',
    'job.paused',
    'job.cancelled',
  ])
})

it('a cancel wins over a pause that has not taken effect', async () => {
  const service = await startTestService({ environment: { TRAINYARD_LEASE_SECONDS: '15' } })
  const worker = await service.startWorker()
  const id = await service.submit(await service.uploadStripes(), ENDLESS)
  await service.untilJob(id, job => job.progress.epoch >= 2)
  await stopBetweenTransactions(service, worker) // so that it reads neither wish
  expect((await post(service, id, 'pause')).body).toMatchObject({ pauseRequestedAt: expect.any(String) })
  expect(await post(service, id, 'pause')).toMatchObject({
    status: 409,
    body: { code: 'PAUSE_ALREADY_REQUESTED' },
  })
  expect((await post(service, id, 'cancel')).body).toMatchObject({
    status: 'running',
    pauseRequestedAt: null,
  })
  expect(await post(service, id, 'pause')).toMatchObject({
    status: 409,
    body: { code: 'CANCEL_ALREADY_REQUESTED' },
  })
  worker.child.kill('SIGCONT')
  await service.untilJob(id, ({ status }) => status === 'cancelled')
})

it('a worker that is told to end while a pause is on its way leaves the job paused', async () => {
  const service = await startTestService({ environment: { TRAINYARD_LEASE_SECONDS: '15' } })
  const worker = await service.startWorker()
  const id = await service.submit(await service.uploadStripes(), ENDLESS)
  await service.untilJob(id, job => job.progress.epoch >= 2)
  await stopBetweenTransactions(service, worker)
  await post(service, id, 'pause')
  worker.child.kill('SIGCONT')
  expect(await worker.end('SIGTERM')).toEqual({ code: 0, signal: null })
  expect(await service.json(`/v1/jobs/${id}`)).toMatchObject({ status: 'paused', pauseRequestedAt: null })
  await service.startWorker()
  await post(service, id, 'resume')
  const again = await service.untilJob(id, ({ phase, attempt }) => phase === 'training' && attempt === 2)
  expect(again.progress.epoch).toBeGreaterThanOrEqual(2)
})

it('a pause that a lost worker could not obey is obeyed when it is found lost', async () => {
  const service = await startTestService({ environment: { TRAINYARD_LEASE_SECONDS: '15' } })
  const worker = await service.startWorker()
  const id = await service.submit(await service.uploadStripes(), ENDLESS)
  await until(async () => (await typesOf(service, id)).includes('job.checkpoint'))
  await stopBetweenTransactions(service, worker)
  expect((await post(service, id, 'pause')).body).toMatchObject({ status: 'running' })
  await worker.end('SIGKILL')
  const job = await service.untilJob(id, ({ status }) => status !== 'running')
  expect(job).toMatchObject({ status: 'paused', attempt: 1, error: null })
})

it('what somebody else holds too long is answered with 503 and a time to ask again', async () => {
  const service = await startTestService()
  const id = await service.submit(await service.uploadStripes())
  const client = new pg.Client({ connectionString: service.databaseUrl })
  await client.connect()
  try {
    await client.query('BEGIN')
    await client.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [id])
    const held = await service.request(`/v1/jobs/${id}/pause`, { method: 'POST' })
    expect([held.status, held.headers.get('retry-after')]).toEqual([503, '2'])
    expect(await held.json()).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    await client.query('COMMIT')
    expect(await post(service, id, 'pause')).toMatchObject({ status: 200, body: { status: 'paused' } })
  } finally {
    await client.end()
  }
})
