import { beforeAll, expect, it, vi } from 'vitest'
import { passengers, toCsv } from '../helpers/passengers.ts'
import { trainersOf } from '../helpers/processes.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, type ServiceProcess, startTestService, type TestService } from '../helpers/service.ts'
import { until } from '../helpers/until.ts'

vi.setConfig({ testTimeout: 150_000 })

const release = releaseAfterFile()
let service: TestService
let worker: ServiceProcess
let dataset: string

beforeAll(async () => {
  service = await startTestService({ release })
  worker = await service.startWorker({ TRAINYARD_WORKER_SLOTS: '1' })
  dataset = await uploadPassengers()
})

const ROWS = 240
const EPOCHS = 100

/** Enough epochs that a test can step in while they run. */
const JOB = {
  name: 'survivors',
  network: {
    layers: [
      { type: 'dense', units: 8, activation: 'relu' },
      { type: 'dense', units: 2, activation: 'softmax' },
    ],
  },
  training: {
    epochs: EPOCHS,
    batchSize: 10,
    seed: 7,
    validation: { folds: 3, stratify: true, group: 'boarded' },
  },
}

async function uploadPassengers(): Promise<string> {
  const names = ['age', 'fare', 'port', 'boarded', 'survived']
  const form = new FormData()
  form.set('name', 'passengers')
  form.set('target', 'survived')
  form.set('file', new Blob([toCsv(passengers(ROWS, 1), names)]), 'passengers.csv')
  return (await service.json('/v1/datasets', { method: 'POST', body: form })).id
}

/** What is the same whoever trained it, and when. */
async function resultOf(id: string) {
  const { data } = await service.json(`/v1/jobs/${id}/epochs`)
  const rows = data.map(
    ({ at: _at, attempt: _attempt, durationMs: _ms, examplesPerSecond: _speed, ...row }: Json) => row,
  )
  return { rows, evaluation: await service.json(`/v1/jobs/${id}/evaluation`) }
}

it('a job with folds that was killed, and paused, ends exactly as one that was not, with a whole history', async () => {
  const id = await service.submit(dataset, JOB)
  const isInFold = (fold: number) => (job: Json) =>
    job.progress.epoch > (fold - 1) * EPOCHS && job.metrics.last !== null

  await service.untilJob(id, isInFold(2))
  const [trainer = 0] = trainersOf(worker.pid)
  process.kill(trainer, 'SIGKILL')
  await until(() => !trainersOf(worker.pid).includes(trainer))
  await service.untilJob(id, job => job.attempt === 2 && isInFold(3)(job))
  await service.json(`/v1/jobs/${id}/pause`, { method: 'POST' })
  await service.untilJob(id, ({ status }) => status === 'paused')
  await service.json(`/v1/jobs/${id}/resume`, { method: 'POST' })
  const job = await service.untilJob(id, ({ finishedAt }) => finishedAt !== null)
  expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'succeeded', attempt: 3, modelVersion: 1 })
  const all = 4 * EPOCHS
  expect(job.progress).toMatchObject({ epoch: all, epochs: all, step: job.progress.steps })
  expect(job.metrics.best).toMatchObject({ fold: expect.any(Number), valLoss: expect.any(Number) })

  const interrupted = await resultOf(id)
  expect(interrupted.rows.map(({ epoch, fold }: Json) => [epoch, fold])).toEqual(
    Array.from({ length: all }, (_, index) => [index + 1, [1, 2, 3, null][Math.floor(index / EPOCHS)]]),
  )
  const { evaluation } = interrupted
  expect(evaluation).toMatchObject({ task: 'classification', split: 'folds', examples: ROWS })
  expect(evaluation.folds.map(({ fold }: Json) => fold)).toEqual([1, 2, 3])
  expect(evaluation.folds.reduce((sum: number, { examples }: Json) => sum + examples, 0)).toBe(ROWS)
  expect(evaluation.mean.metrics.accuracy).toBeGreaterThan(0.6)
  expect(evaluation.deviation.metrics.accuracy).toEqual(expect.any(Number))

  const { data: events } = await service.json(`/v1/jobs/${id}/events?limit=10000`)
  const epochs = events.filter(({ type }: Json) => type === 'job.epoch').map(({ data }: Json) => data)
  expect(epochs.map(({ epoch }: Json) => epoch)).toEqual(interrupted.rows.map(({ epoch }: Json) => epoch))
  expect(epochs.at(EPOCHS)).toMatchObject({ epoch: EPOCHS + 1, fold: 2 })
  expect(epochs.at(-1)).not.toHaveProperty('fold')
  expect(await (await service.request(`/v1/jobs/${id}/curves.svg`)).text()).toContain('class="validation"')

  const whole = await service.submit(dataset, JOB)
  await service.untilJob(whole, ({ status }) => status === 'succeeded')
  expect(await resultOf(whole)).toEqual(interrupted)
})

it('more folds than there are groups fail the job, with the numbers of both', async () => {
  const validation = { folds: 29, group: 'boarded' } // in April 1912, up to the 28th
  const id = await service.submit(dataset, {
    ...JOB,
    training: { ...JOB.training, validation },
  })
  const { error } = await service.untilJob(id, ({ status }) => status === 'failed')
  expect(error).toMatchObject({
    code: 'DATASET_INVALID',
    message: expect.stringMatching(
      /each of 29 folds must have a group of its own; the column boarded has 28/,
    ),
  })
})
