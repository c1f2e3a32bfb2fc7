import pg from 'pg'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'

const release = releaseAfterFile()
let service: TestService
let datasetId: string
let jobId: string

beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker()
  datasetId = await service.uploadStripes()
  jobId = await service.submit(datasetId, { training: { epochs: 3, seed: 1 } })
  await service.untilJob(jobId, ({ status }) => status === 'succeeded')
})

async function query(sql: string, values: unknown[] = []): Promise<Json[]> {
  const client = new pg.Client({ connectionString: service.databaseUrl })
  await client.connect()
  try {
    return (await client.query(sql, values)).rows
  } finally {
    await client.end()
  }
}

async function codeOf(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as Json).code]
}

it('a ready dataset is answered at once, one that is processing when it no longer is', async () => {
  const beganMs = performance.now()
  expect((await service.json(`/v1/datasets/${datasetId}?waitSeconds=60`)).status).toBe('ready')
  expect(performance.now() - beganMs).toBeLessThan(5_000)
  await query(`UPDATE datasets SET status = 'processing' WHERE id = $1`, [datasetId])
  expect((await service.json(`/v1/datasets/${datasetId}?waitSeconds=1`)).status).toBe('processing')
  const answer = service.json(`/v1/datasets/${datasetId}?waitSeconds=60`)
  await query(`UPDATE datasets SET status = 'ready' WHERE id = $1`, [datasetId])
  expect((await answer).status).toBe('ready')
})

it('a method that an address does not have gets 405 with those that it has', async () => {
  const refused = await service.request('/v1/models/stripes/predict')
  expect(refused.headers.get('allow')).toBe('POST')
  expect(await codeOf(refused)).toEqual([405, 'METHOD_NOT_ALLOWED'])
  const job = await service.request(`/v1/jobs/${jobId}`, { method: 'PUT' })
  expect([job.status, job.headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD'])
  expect((await service.request('/v1/nothing', { method: 'PUT' })).status).toBe(404)
})

it('a model tells the status of its versions as TensorFlow Serving does', async () => {
  const model = await service.json('/v1/models/stripes')
  expect(model).toMatchObject({ name: 'stripes', versions: [1], aliases: { latest: 1 } })
  expect(model.model_version_status).toEqual([
    { version: '1', state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } },
  ])
})

it('the checkpoints that are kept are listed, newest first', async () => {
  const { data, hasMore, nextCursor } = await service.json(`/v1/jobs/${jobId}/checkpoints`)
  expect({ hasMore, nextCursor }).toEqual({ hasMore: false, nextCursor: null })
  expect(data.length).toBeGreaterThan(0)
  expect(data[0]).toMatchObject({ step: 9, epoch: 3, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect(data[0].bytes).toBeGreaterThan(100)
  expect(new Date(data[0].createdAt).toISOString()).toBe(data[0].createdAt)
  const steps = data.map(({ step }: Json) => step)
  expect(steps).toEqual([...steps].sort((a, b) => b - a))
  expect(await codeOf(await service.request('/v1/jobs/job_none/checkpoints'))).toEqual([404, 'JOB_NOT_FOUND'])
})

it('a stream token opens event streams, and nothing else, until it expires or its key is revoked', async () => {
  const created = await service.request('/v1/stream-tokens', { method: 'POST' })
  expect(created.status).toBe(201)
  const { token, expiresAt } = (await created.json()) as Json
  const seconds = (Date.parse(expiresAt) - Date.now()) / 1_000
  expect(seconds).toBeGreaterThan(200)
  expect(seconds).toBeLessThan(301)
  const open = (where: string, headers = {}) => fetch(`${service.url}${where}`, { headers })
  const events = `/v1/jobs/${jobId}/events?streamToken=${token}`
  const stream = await open(events, { accept: 'text/event-stream' })
  expect(stream.status).toBe(200)
  expect(await stream.text()).toContain('event: job.succeeded')
  expect((await open(`/v1/jobs/${jobId}?streamToken=${token}`)).status).toBe(401)
  expect((await open(`/v1/jobs/${jobId}/events?streamToken=st_wrong`)).status).toBe(401)
  expect((await open(`/v1/jobs/${jobId}`, { authorization: `Bearer ${token}` })).status).toBe(401)
  const stored = await query('SELECT * FROM stream_tokens')
  expect(JSON.stringify(stored)).not.toContain(token)
  expect(service.api.output()).not.toContain(token)
  await query('UPDATE api_keys SET revoked_at = now()')
  expect((await open(events)).status).toBe(401)
  await query('UPDATE api_keys SET revoked_at = NULL')
  expect((await open(events)).status).toBe(200)
  await query('UPDATE stream_tokens SET expires_at = now()')
  expect((await open(events)).status).toBe(401)
})

it('a job is deleted with all that is its own once it has ended; its model version stays', async () => {
  const other = await startTestService({ release: onTestFinished })
  await other.startWorker()
  const dataset = await other.uploadStripes()
  const id = await other.submit(dataset, { training: { epochs: 400, batchSize: 5, seed: 1 } })
  const remove = () => other.request(`/v1/jobs/${id}`, { method: 'DELETE' })
  expect(await codeOf(await remove())).toEqual([409, 'JOB_NOT_FINISHED'])
  await other.untilJob(id, ({ status }) => status === 'succeeded')
  expect((await remove()).status).toBe(204)
  expect(await codeOf(await remove())).toEqual([404, 'JOB_NOT_FOUND'])
  for (const part of ['epochs', 'events', 'checkpoints', 'evaluation']) {
    expect(await codeOf(await other.request(`/v1/jobs/${id}/${part}`))).toEqual([404, 'JOB_NOT_FOUND'])
  }
  expect(await other.json('/v1/models/stripes/versions/1')).toMatchObject({ jobId: id })
  const predict = { method: 'POST', body: JSON.stringify({ instances: [Array(36).fill(1)] }) }
  const headers = { 'content-type': 'application/json' }
  expect((await other.request('/v1/models/stripes/predict', { ...predict, headers })).status).toBe(200)
})
