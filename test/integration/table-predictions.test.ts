import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parse } from 'csv-parse/sync'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { FEATURES, passengers, toCsv, trainOnPassengers, uploadPassengers } from '../helpers/passengers.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { send } from '../helpers/trained-model.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 })

const release = releaseAfterFile()
let service: TestService

beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker({ TRAINYARD_WORKER_SLOTS: '2' })
  const survived = await uploadPassengers(service, ['survived'])
  const price = await uploadPassengers(service, ['price'], { task: 'regression' })
  const has = await uploadPassengers(service, ['hasCabin', 'hasLuggage'], { task: 'multiLabel' })
  await Promise.all([
    trainOnPassengers(service, survived, 'survivors', { units: 2, activation: 'softmax' }),
    trainOnPassengers(service, price, 'prices', { units: 1, activation: 'linear' }),
    trainOnPassengers(service, has, 'things', { units: 2, activation: 'sigmoid' }),
    trainOnPassengers(service, await service.uploadStripes(), 'stripes', { units: 3, activation: 'softmax' }),
  ])
})

const ROWS = passengers(20, 3)
const TO_PREDICT = ROWS.map(row => Object.fromEntries(FEATURES.map(name => [name, row[name] ?? null])))

const postRows = (
  model: string,
  rows: readonly object[],
  query = '',
  headers = {},
): Promise<[number, Json]> => send(service, 'POST', `/v1/models/${model}/predict${query}`, { rows }, headers)

const postCsv = (model: string, body: string, query = '', headers: Record<string, string> = {}) =>
  service.request(`/v1/models/${model}/predict${query}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'text/csv', ...headers },
  })

const recordsOf = (text: string): Record<string, string>[] => parse(text, { columns: true })

describe('rows of named columns', () => {
  it('are classes, numbers in the units of the target, or labels', async () => {
    const [status, classes] = await postRows('survivors', TO_PREDICT)
    expect(status).toBe(200)
    const labels = classes.predictions.map(({ label }: Json) => label)
    const right = labels.filter((label: string, index: number) => label === ROWS[index]?.survived)
    expect(right.length).toBeGreaterThanOrEqual(14)
    const [, numbers] = await postRows('prices', TO_PREDICT)
    const errors = numbers.predictions.map(({ values }: Json, index: number) =>
      Math.abs(values[0] - Number(ROWS[index]?.price)),
    )
    expect(errors.reduce((sum: number, error: number) => sum + error, 0) / errors.length).toBeLessThan(60)
    const [, several] = await postRows('things', TO_PREDICT)
    const known = new Set(several.predictions.flatMap(({ labels }: Json) => labels))
    expect(known).toEqual(new Set(['hasCabin', 'hasLuggage']))
  })

  it('come back with includeInput as they were understood', async () => {
    const [, { predictions }] = await postRows(
      'survivors',
      [{ ...TO_PREDICT[0], port: 'Mars' }],
      '?includeInput=true',
    )
    const { age, fare, boarded, isChild } = TO_PREDICT[0] ?? {}
    expect(predictions[0].input).toEqual({ shape: [5], values: [age, fare, null, boarded, isChild] })
  })

  it('are refused with the first that is wrong, or one by one', async () => {
    const rows = [TO_PREDICT[0] ?? {}, { ...TO_PREDICT[1], fare: 'much' }, { ...TO_PREDICT[2], fare: 1e300 }]
    const [status, problem] = await postRows('prices', rows)
    expect([status, problem.code, problem.errors[0].pointer]).toEqual([422, 'INPUT_INVALID', '/rows/1/fare'])
    const [ok, { predictions }] = await postRows('prices', rows, '?rowErrors=inline')
    expect(ok).toBe(200)
    expect(predictions[0]).toEqual({ values: [expect.any(Number)] })
    expect(predictions.slice(1).map(({ error }: Json) => [error.code, error.pointer])).toEqual([
      ['INPUT_INVALID', '/rows/1/fare'],
      ['INPUT_INVALID', '/rows/2'],
    ])
    const [refused, { errors }] = await postRows('prices', [{ fare: 1 }], '?rowErrors=maybe')
    expect([refused, errors[0].parameter]).toEqual([422, 'rowErrors'])
  })

  it('have one wrong input among images and numbers told likewise', async () => {
    const image = (await service.json('/v1/models/stripes/versions/1/input-schema')).examples[0].images[0]
    const images = [image, 'AAAA', image]
    const [, { predictions }] = await send(service, 'POST', '/v1/models/stripes/predict?rowErrors=inline', {
      images,
    })
    expect(predictions.map(({ label, error }: Json) => error?.code ?? typeof label)).toEqual([
      'string',
      'IMAGE_INVALID',
      'string',
    ])
    const instances = [[1, 2], new Array(predictions.length).fill(0)]
    const [, numbers] = await send(service, 'POST', '/v1/models/stripes/predict?rowErrors=inline', {
      instances,
    })
    expect(numbers.predictions.map(({ error }: Json) => error.pointer)).toEqual([
      '/instances/0',
      '/instances/1',
    ])
  })

  it('are no input of a model of numbers, nor is an image one of a table', async () => {
    expect(await postRows('stripes', [{ a: 1 }])).toMatchObject([422, { code: 'INPUT_INVALID' }])
    const { images } = (await service.json('/v1/models/stripes/versions/1/input-schema')).examples[0]
    expect(await send(service, 'POST', '/v1/models/prices/predict', { images })).toMatchObject([
      422,
      { code: 'INPUT_INVALID' },
    ])
  })

  it('may be thousands, and regressions of them are as those of each alone', async () => {
    const many = Array.from({ length: 6_000 }, (_, index) => TO_PREDICT[index % TO_PREDICT.length] ?? {})
    const [, all] = await postRows('prices', many)
    const [, some] = await postRows('prices', TO_PREDICT)
    expect(all.predictions.slice(-20)).toEqual(some.predictions)
  })
})

describe('CSV', () => {
  it('is answered with CSV that says what JSON says', async () => {
    for (const model of ['survivors', 'prices', 'things']) {
      const response = await postCsv(model, toCsv(TO_PREDICT, FEATURES))
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toMatch(/^text\/csv; charset=utf-8/)
      const records = recordsOf(await response.text())
      const [, { predictions }] = await postRows(model, TO_PREDICT)
      const expected: Record<string, (prediction: Json) => object> = {
        survivors: ({ label, probability }) => ({
          prediction: label,
          probability: String(probability),
          error: '',
        }),
        prices: ({ values }) => ({ prediction: String(values[0]), error: '' }),
        things: ({ labels, top }) => ({
          ...Object.fromEntries(
            top.flatMap(({ label, probability }: Json) => [
              [`prediction:${label}`, String(labels.includes(label))],
              [`probability:${label}`, String(probability)],
            ]),
          ),
          error: '',
        }),
      }
      expect(records).toEqual(predictions.map(expected[model]))
    }
  })

  it('tells of each row that is wrong and answers the others', async () => {
    const text = toCsv([{ ...TO_PREDICT[0], fare: 'a "lot", really' }, TO_PREDICT[1] ?? {}], FEATURES)
    const records = recordsOf(await (await postCsv('survivors', text)).text())
    expect(records[0]).toMatchObject({ prediction: '', probability: '' })
    expect(records[0]?.error).toContain('line 2, column "fare"')
    expect(records[1]).toMatchObject({ prediction: expect.stringMatching(/lived|died/), error: '' })
    const strict = await postCsv('survivors', text, '?rowErrors=refuse')
    expect([strict.status, ((await strict.json()) as Json).code]).toEqual([422, 'INPUT_INVALID'])
  })

  it('is answered with JSON where that is accepted, and JSON with CSV', async () => {
    const body = toCsv(TO_PREDICT, FEATURES)
    const json = await postCsv('survivors', body, '', { accept: 'application/json' })
    const [, wanted] = await postRows('survivors', TO_PREDICT)
    expect(await json.json()).toEqual(wanted)
    const csv = await service.request('/v1/models/survivors/predict', {
      method: 'POST',
      body: JSON.stringify({ rows: TO_PREDICT }),
      headers: { 'content-type': 'application/json', accept: 'text/csv' },
    })
    expect(await csv.text()).toBe(await (await postCsv('survivors', body)).text())
  })

  it('is refused where a column is missing or unknown, and for what it has no column for', async () => {
    const refusals = [
      await postCsv('survivors', toCsv(TO_PREDICT, ['age', 'fare'])),
      await postCsv('survivors', toCsv(TO_PREDICT, [...FEATURES, 'mood'])),
      await postCsv('survivors', toCsv(TO_PREDICT, FEATURES), '?topK=2'),
      await postCsv('stripes', toCsv(TO_PREDICT, FEATURES)),
      await postCsv('survivors', ''),
    ]
    expect(refusals.map(({ status }) => status)).toEqual([422, 422, 422, 422, 422])
    const details = await Promise.all(refusals.map(async refusal => ((await refusal.json()) as Json).detail))
    expect(details[0]).toContain('"port"')
    expect(details[1]).toContain('"mood"')
  })

  it('is answered once for each Idempotency-Key', async () => {
    const key = { 'idempotency-key': 'csv-1' }
    const body = toCsv(TO_PREDICT, FEATURES)
    const first = await postCsv('survivors', body, '', key)
    const second = await postCsv('survivors', body, '', key)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'))
    expect(await second.text()).toBe(await first.text())
    expect((await postCsv('survivors', `${body}\n`, '', key)).status).toBe(422)
  })
})

describe('the input schema', () => {
  it.each(['survivors', 'prices', 'things', 'stripes'])(
    'of %s has an example that fits it and is answered',
    async name => {
      const response = await service.request(`/v1/models/${name}/versions/1/input-schema`)
      expect(response.headers.get('content-type')).toMatch(/^application\/schema\+json/)
      const schema = (await response.json()) as Json
      const ajv = new Ajv2020({ strict: true, allowUnionTypes: true })
      addFormats.default(ajv)
      const check = ajv.compile(schema)
      const [example] = schema.examples
      expect(check(example), JSON.stringify(check.errors)).toBe(true)
      const [status, { predictions }] = await send(service, 'POST', `/v1/models/${name}/predict`, example)
      expect([status, predictions.length]).toEqual([200, 1])
      expect(check({ rows: [{ fare: 1 }] })).toBe(false)
    },
  )

  it('tells categories, ranges and what a missing value is taken for', async () => {
    const schema = await service.json('/v1/models/survivors/versions/1/input-schema')
    const { properties, required } = schema.properties.rows.items
    expect(required).toEqual([...FEATURES])
    expect(properties.port.anyOf[0].enum).toEqual(['Bergen', 'Cork, Ireland', 'São Paulo'])
    expect(properties.age.description).toMatch(
      /^In training [\d.]+ to [\d.]+\. null where it is missing; then [\d.]+ is taken\.$/,
    )
    expect(properties.survived).toBeDefined()
    const accepted = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema)
    expect(accepted({ rows: TO_PREDICT })).toBe(true)
    expect(accepted({ rows: [{ ...TO_PREDICT[0], mood: 1 }] })).toBe(false)
  })

  it('is 404 of what does not exist', async () => {
    expect((await service.request('/v1/models/nobody/versions/1/input-schema')).status).toBe(404)
    expect((await service.request('/v1/models/prices/versions/9/input-schema')).status).toBe(404)
  })
})
