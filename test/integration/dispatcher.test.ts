import pino from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import type { Database } from '../../src/db/client.ts'
import { createListener } from '../../src/db/listen.ts'
import { renewLease } from '../../src/jobs/attempt-repository.ts'
import { endExpiredAttempts } from '../../src/jobs/end-expired-attempts.ts'
import { startDispatcher } from '../../src/queue/dispatcher.ts'
import { saveWorker } from '../../src/queue/repository.ts'
import type { TrainingQueue } from '../../src/queue/training-queue.ts'
import { createTestDatabase } from '../helpers/database.ts'
import { addDataset, addJob, claim, finish, openTestDatabase, trainerEnds } from '../helpers/job-rows.ts'
import { until } from '../helpers/until.ts'

const logger = pino({ level: 'silent' })

async function start(wake: TrainingQueue['wake']) {
  const url = await createTestDatabase()
  const db = openTestDatabase(url, onTestFinished)
  const datasetId = await addDataset(db)
  const slots = { hostname: 'none', pid: 1, engine: 'portable', device: 'cpu', slots: 4 }
  await saveWorker(db, { ...slots, id: 'worker_2' })
  const startDispatching = () => {
    const listener = createListener(url, logger)
    const queue: TrainingQueue = {
      wake,
      consume: () => ({ close: async () => {} }),
      check: async () => {},
      close: async () => {},
    }
    const dispatcher = startDispatcher({ db, queue, listener, logger })
    onTestFinished(async () => {
      await dispatcher.close()
      await listener.close()
    })
  }
  return { db, datasetId, startDispatching }
}

const expireLease = (db: Database, id: string, secondsAgo: number) =>
  db.$executeRaw`UPDATE jobs SET lease_until = now() - make_interval(secs => ${secondsAgo}) WHERE id = ${id}`

const statusOf = async (db: Database, id: string) =>
  (await db.job.findUniqueOrThrow({ where: { id }, select: { status: true } })).status

it('a lost worker’s job is taken back within 2 seconds, also while the queue does not answer', async () => {
  let release = () => {}
  let asked = 0
  const { db, datasetId, startDispatching } = await start(() => {
    asked++
    return new Promise(resolve => {
      release = resolve
    })
  })
  await addJob(db, datasetId)
  const lost = await addJob(db, datasetId)
  await claim(db, lost)
  startDispatching()
  await until(() => asked > 0, { what: 'a relay that waits for the queue' })
  await expireLease(db, lost, 60)
  const expiredMs = performance.now()
  await until(async () => (await statusOf(db, lost)) === 'queued')
  expect(performance.now() - expiredMs).toBeLessThan(2_000)
  release()
})

it('a job whose trainer crashed is handed out when its backoff is over, and not before', async () => {
  const wakes: { jobId: string; atMs: number }[] = []
  const { db, datasetId, startDispatching } = await start(async jobId => {
    wakes.push({ jobId, atMs: performance.now() })
  })
  const id = await addJob(db, datasetId)
  await claim(db, id)
  startDispatching()
  await finish(db, { jobId: id, attempt: 1 }, trainerEnds(id, datasetId).crashed)
  const crashedMs = performance.now()
  expect(await claim(db, id)).toBe(false)
  await until(() => wakes.length > 0)
  const waitedMs = (wakes[0]?.atMs ?? 0) - crashedMs
  expect(waitedMs).toBeGreaterThan(900)
  expect(waitedMs).toBeLessThan(1_600)
  expect(await claim(db, id)).toBe(true)
})

it('a lease that has expired is its holder’s for two heartbeats more', async () => {
  const { db, datasetId } = await start(async () => {})
  const id = await addJob(db, datasetId)
  await claim(db, id)
  const fence = { jobId: id, attempt: 1 }
  await expireLease(db, id, 1)
  expect(await endExpiredAttempts(db)).toBe(0)
  expect(await renewLease(db, fence, 30)).toMatchObject({ fenced: false })
  await expireLease(db, id, 5)
  await until(async () => (await endExpiredAttempts(db)) === 1) // at once, but right after the start of Postgres
  expect(await renewLease(db, fence, 30)).toEqual({ fenced: true })
})
