import { expect, it, onTestFinished } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { cancelJob } from '../../src/jobs/cancel.ts'
import { createTestDatabase } from '../helpers/database.ts'
import { addDataset, addJob, claim, finish, openTestDatabase, trainerEnds } from '../helpers/job-rows.ts'

const RACES = 1_000
const AT_ONCE = 8

it('of 1,000 cancels that race the end of the training, each job ends once and every accepted one cancelled', {
  timeout: 300_000,
}, async () => {
  const url = await createTestDatabase()
  const api = openTestDatabase(url, onTestFinished, AT_ONCE)
  const worker = openTestDatabase(url, onTestFinished, AT_ONCE)
  const datasetId = await addDataset(api)
  const accepted = new Map<string, boolean>()
  const race = async (modelName: string) => {
    const jobId = await addJob(api, datasetId, modelName)
    await claim(worker, jobId)
    const askCancel = async () => {
      for (let wait = Math.random() * 8; wait > 1; wait--) await api.$queryRaw`SELECT 1` // to start at different points
      const isAccepted = await cancelJob(api, jobId).then(
        () => true,
        error => {
          if (error instanceof AppError && error.code === 'JOB_FINISHED') return false
          throw error
        },
      )
      accepted.set(jobId, isAccepted)
    }
    const { finished } = trainerEnds(jobId, datasetId)
    await Promise.all([askCancel(), finish(worker, { jobId, attempt: 1 }, finished, modelName)])
  }
  const lanes = Array.from({ length: AT_ONCE }, async (_, lane) => {
    for (let round = lane; round < RACES; round += AT_ONCE) await race(`model-${lane % 3}`)
  })
  await Promise.all(lanes)

  const rows = await api.$queryRaw<{ id: string; status: string; ends: number; versions: number }[]>`
    SELECT id, status,
      (SELECT count(*)::int FROM job_events WHERE job_id = jobs.id
        AND type IN ('job.succeeded', 'job.cancelled', 'job.failed')) AS ends,
      (SELECT count(*)::int FROM model_versions WHERE job_id = jobs.id) AS versions
    FROM jobs`
  expect(rows).toHaveLength(RACES)
  for (const { id, status, ends, versions } of rows) {
    const isCancelled = accepted.get(id)
    expect({ status, ends, versions }, id).toEqual(
      isCancelled
        ? { status: 'cancelled', ends: 1, versions: 0 }
        : { status: 'succeeded', ends: 1, versions: 1 },
    )
  }
  expect(new Set(accepted.values())).toEqual(new Set([true, false])) // else nothing raced
  const models = await api.$queryRaw<{ count: number; last: number }[]>`
    SELECT count(*)::int AS count, max(version) AS last FROM model_versions GROUP BY model_name`
  for (const { count, last } of models) expect(count).toBe(last)
})
