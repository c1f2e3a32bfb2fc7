import { describe, expect, it, onTestFinished } from 'vitest'
import { childrenOf, isAlive } from '../helpers/processes.ts'
import { hasRedis, startRedis } from '../helpers/redis.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { until } from '../helpers/until.ts'

/** Enough epochs that a test can step in while they run. */
const LONG = { training: { epochs: 400, batchSize: 5, seed: 1 } }

const BACKENDS = ['postgres', ...(hasRedis() ? ['redis'] : [])]

describe.each(BACKENDS)('with the queue on %s', backend => {
  const start = async (): Promise<TestService> => {
    const release = (close: () => Promise<void>) => onTestFinished(close)
    const environment = backend === 'redis' ? { REDIS_URL: await startRedis(release) } : {}
    return startTestService({ environment })
  }

  it('jobs queued without a worker have their place in the line, and run in order when one comes', async () => {
    const service = await start()
    const dataset = await service.uploadStripes()
    const first = await service.submit(dataset)
    const second = await service.submit(dataset)
    const urgent = await service.submit(dataset, { priority: -1 })
    const positions = await Promise.all([first, second, urgent].map(id => service.json(`/v1/jobs/${id}`)))
    expect(positions.map(job => job.queuePosition)).toEqual([2, 3, 1])
    await service.startWorker()
    const ended = await Promise.all(
      [urgent, first, second].map(id => service.untilJob(id, ({ status }) => status === 'succeeded')),
    )
    const starts = ended.map(job => job.startedAt)
    expect(starts).toEqual([...starts].sort())
    expect(ended.map(job => job.modelVersion).sort()).toEqual([1, 2, 3])
  })

  it('a queued job is cancelled at once, a running one within 5 seconds, and neither a second time', async () => {
    const service = await start()
    const dataset = await service.uploadStripes()
    const queued = await service.submit(dataset)
    const cancelled = await service.json(`/v1/jobs/${queued}/cancel`, { method: 'POST' })
    expect(cancelled).toMatchObject({ status: 'cancelled', queuePosition: null, attempt: 0 })
    await service.startWorker()
    const running = await service.submit(dataset, LONG)
    await service.untilJob(running, job => job.progress.epoch >= 2)
    const askedMs = performance.now()
    await service.json(`/v1/jobs/${running}/cancel`, { method: 'POST' })
    const ended = await service.untilJob(running, ({ status }) => status === 'cancelled')
    expect(performance.now() - askedMs).toBeLessThan(5_000)
    expect(ended).toMatchObject({ modelVersion: null, error: null, phase: null })
    const again = await service.request(`/v1/jobs/${running}/cancel`, { method: 'POST' })
    expect([again.status, ((await again.json()) as Json).code]).toEqual([409, 'JOB_FINISHED'])
    const { data } = await service.json('/v1/models')
    expect(data).toEqual([])
  })

  it('a cancelled job is retried from its checkpoint under the same id', async () => {
    const service = await start()
    await service.startWorker()
    const id = await service.submit(await service.uploadStripes(), LONG)
    await service.untilJob(id, job => job.progress.epoch >= 2)
    await until(async () => (await eventsOf(service, id)).some(({ type }) => type === 'job.checkpoint'))
    await service.json(`/v1/jobs/${id}/cancel`, { method: 'POST' })
    await service.untilJob(id, ({ status }) => status === 'cancelled')
    const retried = await service.json(`/v1/jobs/${id}/retry`, { method: 'POST' })
    expect(retried.id).toBe(id)
    await service.untilJob(id, ({ status, attempt }) => status === 'succeeded' && attempt === 2)
    await expectWholeHistory(service, id, 400)
  })

  it('a job whose worker is killed resumes from its checkpoint and ends with every epoch once', async () => {
    const service = await start()
    const first = await service.startWorker()
    const id = await service.submit(await service.uploadStripes(), LONG)
    await until(async () => (await eventsOf(service, id)).some(({ type }) => type === 'job.checkpoint'))
    const trainers = childrenOf(first.pid)
    await first.end('SIGKILL')
    await until(() => trainers.every(pid => !isAlive(pid)), {
      timeoutMs: 5_000,
      what: 'the end of the trainer',
    })
    await service.startWorker()
    const job = await service.untilJob(id, ({ status }) => status === 'succeeded')
    expect(job.attempt).toBe(2)
    await expectWholeHistory(service, id, 400)
    expect((await eventsOf(service, id)).map(({ type }) => type)).toContain('job.interrupted')
  })

  it('a worker that is told to end hands its job over without charging an attempt as lost', async () => {
    const service = await start()
    const first = await service.startWorker()
    const id = await service.submit(await service.uploadStripes(), LONG)
    await service.untilJob(id, job => job.progress.epoch >= 2)
    expect((await first.end('SIGTERM')).code).toBe(0)
    expect(await service.json(`/v1/jobs/${id}`)).toMatchObject({
      status: 'queued',
      queuePosition: 1,
      error: null,
    })
    await service.startWorker()
    await service.untilJob(id, ({ status }) => status === 'succeeded')
    await expectWholeHistory(service, id, 400)
  })

  it('two workers train one job once', async () => {
    const service = await start()
    const workers = [await service.startWorker(), await service.startWorker()]
    const id = await service.submit(await service.uploadStripes())
    const job = await service.untilJob(id, ({ status }) => status === 'succeeded')
    expect(job.attempt).toBe(1)
    const claims = workers.flatMap(worker => worker.output().match(/job claimed/g) ?? [])
    expect(claims).toHaveLength(1)
  })
})

async function eventsOf(service: TestService, id: string): Promise<{ id: number; type: string }[]> {
  return (await service.json(`/v1/jobs/${id}/events?limit=10000`)).data
}

async function expectWholeHistory(service: TestService, id: string, epochs: number): Promise<void> {
  const { data } = await service.json(`/v1/jobs/${id}/epochs`)
  expect(data.map((row: Json) => row.epoch)).toEqual(Array.from({ length: epochs }, (_, index) => index + 1))
  const events = await eventsOf(service, id)
  expect(events.map(event => event.id)).toEqual(events.map((_, index) => index + 1))
}
