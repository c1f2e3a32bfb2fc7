import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { parquetReadObjects } from 'hyparquet'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { findReferencedBlobs } from '../../src/storage/repository.ts'
import { openTestDatabase } from '../helpers/job-rows.ts'
import {
  FEATURES,
  type Passenger,
  passengers,
  toCsv,
  trainOnPassengers,
  uploadPassengers,
} from '../helpers/passengers.ts'
import { childrenOf, commandOf } from '../helpers/processes.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, type ServiceProcess, startTestService, type TestService } from '../helpers/service.ts'
import { send } from '../helpers/trained-model.ts'
import { until } from '../helpers/until.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 })

const release = releaseAfterFile()
const WIDE = { units: 2, activation: 'softmax' }
const jobs: Record<string, Json> = {}
const datasets: Record<string, string> = {}
let service: TestService
let worker: ServiceProcess

beforeAll(async () => {
  service = await startTestService({ release })
  worker = await service.startWorker({ TRAINYARD_WORKER_SLOTS: '2' })
  datasets.survived = await uploadPassengers(service, ['survived'])
  datasets.price = await uploadPassengers(service, ['price'], { task: 'regression' })
  datasets.has = await uploadPassengers(service, ['hasCabin', 'hasLuggage'], { task: 'multiLabel' })
  datasets.stripes = await service.uploadStripes()
  const train = async (key: string, name: string, units: number, activation: string, more = {}) => {
    jobs[name] = await trainOnPassengers(service, datasets[key] ?? '', name, { units, activation }, more)
  }
  await Promise.all([
    train('survived', 'survivors', 2, 'softmax'),
    train('survived', 'survivors by one unit', 1, 'sigmoid', {
      training: {
        epochs: 5,
        batchSize: 20,
        seed: 1,
        loss: { type: 'binaryCrossentropy', labelSmoothing: 0.1 },
        metrics: ['f1'],
      },
    }),
    train('price', 'prices', 1, 'linear'),
    train('has', 'things', 2, 'sigmoid'),
    train('stripes', 'stripes', 3, 'softmax'),
    // Slow enough that a test can step in: about 700,000 parameters.
    train('survived', 'slow', 2, 'softmax', {
      network: {
        layers: [...[830, 830].map(units => ({ type: 'dense', units, activation: 'relu' })), dense(WIDE)],
      },
      training: { epochs: 1, batchSize: 100, seed: 1 },
    }),
  ])
})

const dense = (layer: object) => ({ type: 'dense', ...layer })

const post = (body: object, headers = {}): Promise<[number, Json]> =>
  send(service, 'POST', '/v1/batch-predictions', body, headers)

async function submit(body: object): Promise<string> {
  const [status, batch] = await post(body)
  expect(status, JSON.stringify(batch)).toBe(202)
  expect(['queued', 'running', 'succeeded']).toContain(batch.status)
  return batch.id
}

async function upload(parts: Record<string, string | Uint8Array>): Promise<[number, Json]> {
  const form = new FormData()
  for (const [name, value] of Object.entries(parts)) {
    form.set(name, typeof value === 'string' ? value : new Blob([new Uint8Array(value)]))
  }
  const response = await service.request('/v1/batch-predictions', { method: 'POST', body: form })
  return [response.status, (await response.json()) as Json]
}

const untilBatch = (id: string, condition: (batch: Json) => boolean) =>
  until(
    async () => {
      const batch = await service.json(`/v1/batch-predictions/${id}`)
      return condition(batch) ? batch : null
    },
    { timeoutMs: 60_000, what: 'the state of the batch prediction' },
  )

async function succeed(id: string): Promise<Json> {
  const batch = await service.json(`/v1/batch-predictions/${id}?waitSeconds=60`)
  expect([batch.status, batch.error]).toEqual(['succeeded', null])
  return batch
}

const download = async (id: string, headers: Record<string, string> = {}) => {
  const response = await service.request(`/v1/batch-predictions/${id}/output`, { headers })
  return { response, bytes: Buffer.from(await response.arrayBuffer()) }
}

const recordsOf = (bytes: Buffer): Record<string, string>[] => parse(bytes.toString(), { columns: true })

const file = (rows: readonly Passenger[], names: readonly string[]) => Buffer.from(toCsv(rows, names))

describe('a dataset is predicted', () => {
  it.each([
    ['survived', 'survivors'],
    ['survived', 'survivors by one unit'],
    ['price', 'prices'],
    ['has', 'things'],
    ['stripes', 'stripes'],
  ])('with the evaluation that its training ended with: %s, %s', async (key, name) => {
    const id = await submit({ model: { name }, datasetId: datasets[key] })
    const batch = await succeed(id)
    expect(batch).toMatchObject({ split: 'test', attempt: 1, warnings: [], result: { failedRows: 0 } })
    expect(batch.progress.rows).toBe(batch.progress.total)
    const trained = await service.json(`/v1/jobs/${jobs[name]?.id}/evaluation`)
    const { calibration: _calibration, ...report } = trained
    expect(batch.evaluation).toEqual(nearly(report))
  })

  it('row by row as `predict` says, in each format', async () => {
    const rows = passengers(60, 2)
    const body = { rows: rows.map(row => Object.fromEntries(FEATURES.map(name => [name, row[name]]))) }
    const [, { predictions }] = await send(service, 'POST', '/v1/models/survivors/predict', body)
    const outputs = new Map<string, Buffer>()
    for (const output of ['csv', 'jsonl', 'parquet']) {
      const id = await submit({ model: { name: 'survivors' }, datasetId: datasets.survived, output })
      const { result } = await succeed(id)
      const { response, bytes } = await download(id)
      expect(response.headers.get('content-type')).toBe(result.contentType)
      expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([
        result.bytes,
        result.sha256,
      ])
      outputs.set(output, bytes)
    }
    const wanted = predictions.map(({ label, probability }: Json, row: number) => [row, label, probability])
    const csv = recordsOf(outputs.get('csv') ?? Buffer.alloc(0))
    expect(csv.map(one => [Number(one.row), one.prediction, Number(one.probability)])).toEqual(wanted)
    const lines = String(outputs.get('jsonl'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines).toEqual(predictions.map((prediction: Json, row: number) => ({ row, ...prediction })))
    const parquet = outputs.get('parquet') ?? Buffer.alloc(0)
    const own = parquet.buffer.slice(parquet.byteOffset, parquet.byteOffset + parquet.length)
    const objects = await parquetReadObjects({ file: own as ArrayBuffer })
    expect(objects.map(one => [one.row, one.prediction, one.probability])).toEqual(wanted)
    expect(objects.every(({ error }) => error === null)).toBe(true)
  })

  it('also when its columns stand in another order and its categories have other numbers', async () => {
    const rows = passengers(40, 9).reverse()
    const form = new FormData()
    form.set('name', 'others')
    form.set('target', 'survived')
    const names = ['survived', 'isChild', 'port', 'boarded', 'fare', 'age']
    form.set('file', new Blob([toCsv([{ ...rows[0], port: 'Aden' }, ...rows], names)]))
    const { id: datasetId } = await service.json('/v1/datasets', { method: 'POST', body: form })
    const id = await submit({ model: { name: 'survivors', version: 1 }, datasetId, split: 'train' })
    const { evaluation } = await succeed(id)
    expect(evaluation.examples).toBe(41)
    const body = { rows: rows.map(row => Object.fromEntries(FEATURES.map(name => [name, row[name]]))) }
    const [, { predictions }] = await send(service, 'POST', '/v1/models/survivors/predict', body)
    const records = recordsOf((await download(id)).bytes).slice(1)
    expect(records.map(({ prediction }) => prediction)).toEqual(predictions.map(({ label }: Json) => label))
  })
})

describe('an uploaded file is predicted', () => {
  it('with an evaluation where it has labels, and rows that are wrong harm no other', async () => {
    const rows = passengers(50, 4)
    const wrong = rows.map((row, index) =>
      index === 7 ? { ...row, fare: 'much' } : index === 8 ? { ...row, survived: 'perhaps' } : row,
    )
    const [status, { id }] = await upload({
      model: 'survivors',
      version: '1',
      output: 'csv',
      file: gzipSync(file(wrong, ['survived', ...FEATURES])),
    })
    expect(status).toBe(202)
    const batch = await succeed(id)
    expect(batch).toMatchObject({
      datasetId: null,
      result: { failedRows: 1 },
      warnings: [expect.stringContaining('1 rows have no label')],
      evaluation: { split: 'upload', examples: 48 },
    })
    const records = recordsOf((await download(id)).bytes)
    expect(records.length).toBe(50)
    expect(records[7]).toMatchObject({
      row: '7',
      prediction: '',
      error: expect.stringContaining('line 9, column "fare"'),
    })
    const right = records.filter(({ prediction }, index) => prediction === wrong[index]?.survived).length
    expect(batch.evaluation.metrics.accuracy).toBeCloseTo(right / 48, 10)
  })

  it('of numbers and of labels, and without an evaluation where it has no labels', async () => {
    const rows = passengers(30, 5)
    const [, prices] = await upload({ model: 'prices', file: file(rows, [...FEATURES, 'price']) })
    expect((await succeed(prices.id)).evaluation).toMatchObject({ task: 'regression', examples: 30 })
    const [, things] = await upload({
      model: 'things',
      file: file(rows, [...FEATURES, 'hasLuggage', 'hasCabin']),
    })
    expect((await succeed(things.id)).evaluation).toMatchObject({ task: 'multiLabel', examples: 30 })
    const columns = Object.keys(recordsOf((await download(things.id)).bytes)[0] ?? {})
    expect(columns).toEqual([
      'row',
      ...['hasCabin', 'hasLuggage'].flatMap(label => [`prediction:${label}`, `probability:${label}`]),
      'error',
    ])
    const [, without] = await upload({ model: 'prices', file: file(rows, FEATURES) })
    expect(await succeed(without.id)).toMatchObject({ evaluation: null, warnings: [] })
  })
})

describe('requests that cannot be met', () => {
  it('are refused and say why', async () => {
    const { survived, stripes } = datasets
    const model = { name: 'survivors' }
    const refusals: [object, number, string, string?][] = [
      [{ model: { name: 'nobody' }, datasetId: survived }, 404, 'MODEL_NOT_FOUND'],
      [{ model: { name: 'survivors', version: 9 }, datasetId: survived }, 404, 'MODEL_VERSION_NOT_FOUND'],
      [{ model: { name: 'survivors', alias: 'none' }, datasetId: survived }, 404, 'ALIAS_NOT_FOUND'],
      [
        { model: { ...model, version: 1, alias: 'latest' }, datasetId: survived },
        422,
        'VALIDATION_FAILED',
        '/model/alias',
      ],
      [{ model, datasetId: 'ds_none' }, 422, 'VALIDATION_FAILED', '/datasetId'],
      [{ model, datasetId: stripes }, 422, 'VALIDATION_FAILED', '/datasetId'],
      [{ model: { name: 'stripes' }, datasetId: survived }, 422, 'VALIDATION_FAILED', '/datasetId'],
      [{ model, datasetId: survived, split: 'validation' }, 422, 'VALIDATION_FAILED', '/split'],
      [{ model, datasetId: survived, output: 'xml' }, 422, 'VALIDATION_FAILED', '/output'],
      [{ model, datasetId: survived, colour: 1 }, 422, 'VALIDATION_FAILED', '/colour'],
      [{ model }, 422, 'VALIDATION_FAILED', '/datasetId'],
    ]
    for (const [body, status, code, pointer] of refusals) {
      const [received, problem] = await post(body)
      expect([received, problem.code, problem.errors[0]?.pointer], JSON.stringify(body)).toEqual([
        status,
        code,
        pointer,
      ])
    }
    const rows = passengers(3, 6)
    const uploads: [Record<string, string | Uint8Array>, number, string, string?][] = [
      [{ file: file(rows, FEATURES) }, 422, 'VALIDATION_FAILED', '/model'],
      [{ model: 'survivors' }, 422, 'VALIDATION_FAILED', '/file'],
      [
        { model: 'survivors', version: 'x', file: file(rows, FEATURES) },
        422,
        'VALIDATION_FAILED',
        '/version',
      ],
      [{ model: 'survivors', mood: 'x', file: file(rows, FEATURES) }, 422, 'VALIDATION_FAILED', '/mood'],
      [{ model: 'survivors', data: file(rows, FEATURES) }, 422, 'VALIDATION_FAILED', '/data'],
      [{ model: 'survivors', file: file(rows, ['age', 'fare']) }, 422, 'INPUT_INVALID', '/file'],
      [{ model: 'survivors', file: Buffer.from('PAR1') }, 422, 'INPUT_INVALID', '/file'],
      [{ model: 'stripes', file: file(rows, FEATURES) }, 422, 'INPUT_INVALID', '/file'],
      [{ file: file(rows, FEATURES), model: 'survivors' }, 422, 'VALIDATION_FAILED', '/model'],
    ]
    for (const [parts, status, code, pointer] of uploads) {
      const [received, problem] = await upload(parts)
      expect([received, problem.code, problem.errors[0]?.pointer], Object.keys(parts).join()).toEqual([
        status,
        code,
        pointer,
      ])
    }
    for (const [method, where] of [
      ['GET', ''],
      ['GET', '/output'],
      ['POST', '/cancel'],
      ['DELETE', ''],
    ] as const) {
      const [status, { code }] = await send(service, method, `/v1/batch-predictions/batch_none${where}`)
      expect([status, code]).toEqual([404, 'BATCH_NOT_FOUND'])
    }
  })

  it('are answered once for each Idempotency-Key', async () => {
    const body = { model: { name: 'survivors' }, datasetId: datasets.survived }
    const key = { 'idempotency-key': 'batch-1' }
    const [, first] = await post(body, key)
    const [status, second] = await post(body, key)
    expect([status, second.id]).toEqual([202, first.id])
    await succeed(first.id)
  })
})

it('an output is downloaded in parts, listed, and gone with its batch prediction', async () => {
  const id = await submit({ model: { name: 'survivors' }, datasetId: datasets.survived })
  const { result } = await succeed(id)
  const { bytes, response } = await download(id)
  const tag = response.headers.get('etag') ?? ''
  const part = await download(id, { range: 'bytes=10-19' })
  expect([part.response.status, part.response.headers.get('content-range')]).toEqual([
    206,
    `bytes 10-19/${bytes.length}`,
  ])
  expect(part.bytes).toEqual(bytes.subarray(10, 20))
  expect((await download(id, { range: 'bytes=-5' })).bytes).toEqual(bytes.subarray(-5))
  expect((await download(id, { range: 'bytes=7-', 'if-range': tag })).bytes).toEqual(bytes.subarray(7))
  expect((await download(id, { range: 'bytes=7-', 'if-range': '"other"' })).bytes).toEqual(bytes)
  expect((await download(id, { range: `bytes=${bytes.length}-` })).response.status).toBe(416)

  const page = await service.json('/v1/batch-predictions?status=succeeded&model=survivors&limit=1')
  expect(page).toMatchObject({ data: [{ id }], hasMore: true })
  const db = openTestDatabase(service.databaseUrl, release)
  expect(await findReferencedBlobs(db)).toContain(result.sha256)
  expect((await send(service, 'POST', `/v1/batch-predictions/${id}/cancel`))[1].code).toBe('BATCH_FINISHED')
  expect((await send(service, 'DELETE', `/v1/batch-predictions/${id}`))[0]).toBe(204)
  expect((await send(service, 'GET', `/v1/batch-predictions/${id}`))[0]).toBe(404)
})

describe('a batch prediction that takes long', () => {
  let big = ''

  beforeAll(async () => {
    big = await uploadPassengers(service, ['survived'], { name: 'many', test: passengers(60_000, 7) })
  })

  const predictorsOf = (pid: number) => childrenOf(pid).filter(one => commandOf(one).includes('batch/main'))

  it('is cancelled, leaves the worker free for trainings, and has no output', async () => {
    const id = await submit({ model: { name: 'slow' }, datasetId: big })
    await untilBatch(id, ({ progress }) => progress.rows > 0)
    const meanwhile = await service.submit(datasets.stripes ?? '')
    await service.untilJob(meanwhile, ({ status }) => status === 'succeeded')
    const [early, { code }] = await send(service, 'GET', `/v1/batch-predictions/${id}/output`)
    expect([early, code]).toEqual([409, 'RESULT_NOT_AVAILABLE'])
    expect((await send(service, 'DELETE', `/v1/batch-predictions/${id}`))[1].code).toBe('BATCH_NOT_FINISHED')
    const [status] = await send(service, 'POST', `/v1/batch-predictions/${id}/cancel`)
    expect(status).toBe(200)
    const again = await send(service, 'POST', `/v1/batch-predictions/${id}/cancel`)
    expect(again[0]).toBe(409)
    const ended = await untilBatch(id, ({ finishedAt }) => finishedAt !== null)
    expect([ended.status, ended.result, ended.progress.rows < 60_000]).toEqual(['cancelled', null, true])
    await until(() => predictorsOf(worker.pid).length === 0, { what: 'the end of the process' })
  })

  it('goes on when its process and then its worker are killed, and comes to the same file, though its dataset is gone', async () => {
    const first = await submit({ model: { name: 'slow' }, datasetId: big })
    const whole = await succeed(first)
    const id = await submit({ model: { name: 'slow' }, datasetId: big })
    await untilBatch(id, ({ progress }) => progress.rows > 0)
    expect((await send(service, 'DELETE', `/v1/datasets/${big}`))[0]).toBe(204)
    for (const pid of predictorsOf(worker.pid)) process.kill(pid, 'SIGKILL')
    const second = await untilBatch(id, ({ attempt }) => attempt === 2)
    await untilBatch(
      id,
      ({ progress, status }) => status === 'running' && progress.rows > second.progress.rows,
    )
    await worker.end('SIGKILL')
    worker = await service.startWorker()
    const resumed = await succeed(id)
    expect(resumed.attempt).toBe(3)
    expect(resumed.result).toEqual(whole.result)
    expect(resumed.evaluation).toEqual(whole.evaluation)
    const rows = recordsOf((await download(id)).bytes).map(({ row }) => Number(row))
    expect(rows).toEqual(Array.from({ length: 60_000 }, (_, row) => row))
  })
})

/** The same but for what another order of sums makes of float32. */
function nearly(value: unknown): unknown {
  if (typeof value === 'number') return expect.closeTo(value, 3)
  if (Array.isArray(value)) return value.map(nearly)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, nearly(one)]))
}
