import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { stripes } from '../helpers/idx.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, TEST_KEY, type TestService } from '../helpers/service.ts'
import { housesCsv, trainTable } from '../helpers/trained-houses.ts'
import { GOOD, trainVersion } from '../helpers/trained-model.ts'

const release = releaseAfterFile()
const MODEL = '/v1/models/stripes'
let service: TestService
/** The first two test images, 0 … 255. */
const [first, second] = [0, 1].map(image => [
  ...stripes(30, 3, 6, 2).images.subarray(16 + 36 * image, 16 + 36 * (image + 1)),
]) as [number[], number[]]
/** What our own route says of them: a probability for each class. */
let expected: number[][]

beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker()
  await trainVersion(service, await service.uploadStripes(), GOOD)
  await trainTable(service, 'houses', housesCsv(120), 'price')
  const { predictions } = await service.json(`${MODEL}/predict`, {
    method: 'POST',
    body: JSON.stringify({ instances: [first, second] }),
    headers: { 'content-type': 'application/json' },
  })
  expected = predictions.map(({ top }: Json) =>
    ['0', '1', '2'].map(label => top.find((one: Json) => one.label === label).probability),
  )
})

/** Posts as `curl -d` does: with the content type of a form, though it is JSON. */
async function ask(where: string, body: object | string, headers: Record<string, string> = {}) {
  const response = await fetch(`${service.url}${where}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: {
      authorization: `Bearer ${TEST_KEY}`,
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
  })
  return { status: response.status, json: (await response.json()) as Json, headers: response.headers }
}

const shaped = (pixels: number[]) =>
  Array.from({ length: 6 }, (_, row) => pixels.slice(6 * row, 6 * row + 6).map(pixel => [pixel]))

const png = async (pixels: number[]) => ({
  b64: (
    await sharp(Buffer.from(pixels), { raw: { width: 6, height: 6, channels: 1 } })
      .png()
      .toBuffer()
  ).toString('base64'),
})

const close = () => expected.map(row => row.map(number => expect.closeTo(number, 5)))

const house = { area: 100, age: 10, city: 'Oslo', garden: true, sold: '2020-05-01' }
const small = { ...house, area: 50, city: 'nowhere' }

/** As text, for JSON.stringify too would run out of stack. */
const NESTED = `{"instances":${'['.repeat(20_000)}1${']'.repeat(20_000)}}`

describe(':predict', () => {
  it.each<[string, () => unknown]>([
    ['in a row', () => [first, second]],
    ['in the shape of an image', () => [shaped(first), shaped(second)]],
    ['by the name of the input', () => [{ input: first }, { input: second }]],
    ['as images', async () => [await png(first), await png(second)]],
    [
      'as images by the name of the input',
      async () => [{ input: await png(first) }, { input: await png(second) }],
    ],
  ])('takes rows %s and answers rows', async (_, instances) => {
    const { status, json, headers } = await ask(`${MODEL}:predict`, { instances: await instances() })
    expect([status, json]).toEqual([200, { predictions: close() }])
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
  })

  it.each<[string, () => unknown]>([
    ['one array', () => [first, second]],
    ['an array by name', () => ({ input: [first, second] })],
    ['images by name', async () => ({ input: [await png(first), await png(second)] })],
  ])('takes columns as %s and answers columns', async (_, inputs) => {
    const { status, json } = await ask(`${MODEL}:predict`, { inputs: await inputs() })
    expect([status, json]).toEqual([200, { outputs: close() }])
  })

  it('asks a version, a label, which is an alias, and a signature by name', async () => {
    const body = { signature_name: 'serving_default', instances: [first, second] }
    for (const where of ['', '/versions/1', '/labels/latest']) {
      expect(await ask(`${MODEL}${where}:predict`, body)).toMatchObject({ json: { predictions: close() } })
    }
  })

  it('takes rows and columns of a table and answers in the units of the target', async () => {
    const { json } = await ask('/v1/models/houses:predict', { instances: [house, small] })
    const [[large], [less]] = json.predictions
    expect(large).toBeGreaterThan(280) // 340 is right
    expect(large).toBeLessThan(400)
    expect(less).toBeLessThan(large)
    const names = Object.keys(house) as (keyof typeof house)[]
    const inputs = Object.fromEntries(names.map(name => [name, [[house[name]], [small[name]]]]))
    const columns = await ask('/v1/models/houses:predict', { inputs })
    expect(columns.json).toEqual({ outputs: json.predictions })
  })

  it('answers once for each Idempotency-Key', async () => {
    const key = { 'idempotency-key': 'predict 1' }
    await ask(`${MODEL}:predict`, { instances: [first] }, key)
    const again = await ask(`${MODEL}:predict`, { instances: [first] }, key)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const other = await ask(`${MODEL}:predict`, { instances: [second] }, key)
    expect([other.status, Object.keys(other.json)]).toEqual([400, ['error']])
  })

  it('lets others go first while it answers many rows', async () => {
    const instances = Array.from({ length: 3_000 }, () => first)
    const { json } = await ask(`${MODEL}:predict`, { signature_name: 'serving_default', instances })
    expect(json.predictions).toHaveLength(3_000)
    expect(json.predictions[2_999]).toEqual(close()[0])
  })
})

describe(':classify and :regress', () => {
  it('give every class with its probability, in the order of the model', async () => {
    const examples = [{ input: first }, { input: second }]
    const { status, json } = await ask(`${MODEL}:classify`, { examples })
    expect([status, json]).toEqual([
      200,
      { results: close().map(row => row.map((probability, index) => [String(index), probability])) },
    ])
  })

  it('give the value of each example, what all share standing in the context', async () => {
    const { predictions } = (await ask('/v1/models/houses:predict', { instances: [house, small] })).json
    const { garden, sold, age, ...own } = house
    const body = {
      signature_name: 'regression',
      context: { garden, sold, age },
      examples: [own, { area: small.area, city: small.city }],
    }
    expect((await ask('/v1/models/houses:regress', body)).json).toEqual({ results: predictions.flat() })
    const twice = { context: { area: 1 }, examples: [house] }
    expect(await ask('/v1/models/houses:regress', twice)).toMatchObject({
      status: 400,
      json: { error: expect.stringMatching(/^\/context\/area: /) },
    })
  })

  it('refuse models of another kind', async () => {
    const refused = await ask(`${MODEL}:regress`, { examples: [{ input: first }] })
    expect([refused.status, refused.json.error]).toEqual([
      400,
      expect.stringContaining('predict or classify'),
    ])
    expect((await ask('/v1/models/houses:classify', { examples: [house] })).status).toBe(400)
  })
})

describe('status and metadata', () => {
  const status = [{ version: '1', state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } }]

  it('stand in a model, a version and a label', async () => {
    for (const where of ['', '/versions/1', '/labels/latest']) {
      expect((await service.json(`${MODEL}${where}`)).model_version_status).toEqual(status)
    }
    expect(await service.json(`${MODEL}/versions/1`)).toMatchObject({ name: 'stripes', version: 1 })
  })

  it('tell the signatures of a model', async () => {
    const { model_spec, metadata } = await service.json(`${MODEL}/metadata`)
    expect(model_spec).toEqual({ name: 'stripes', signature_name: '', version: '1' })
    const signatures = metadata.signature_def.signature_def
    expect(Object.keys(signatures)).toEqual(['serving_default', 'classification'])
    const tensor = (name: string, ...sizes: string[]) => ({
      dtype: 'DT_FLOAT',
      tensor_shape: { dim: sizes.map(size => ({ size, name: '' })), unknown_rank: false },
      name: `${name}:0`,
    })
    expect(signatures.serving_default).toEqual({
      inputs: { input: tensor('input', '-1', '36') },
      outputs: { probabilities: tensor('probabilities', '-1', '3') },
      method_name: 'tensorflow/serving/predict',
    })
    const houses = await service.json('/v1/models/houses/versions/1/metadata')
    const { serving_default, regression } = houses.metadata.signature_def.signature_def
    expect(serving_default.inputs.city.dtype).toBe('DT_STRING')
    expect(regression.method_name).toBe('tensorflow/serving/regress')
    expect(await service.json('/v1/models/houses/labels/latest/metadata')).toEqual(houses)
  })
})

describe('wrong requests are refused with { error }', () => {
  it.each<[string, string, object | string, string | RegExp]>([
    ['neither instances nor inputs', 'stripes:predict', {}, 'received neither'],
    ['both', 'stripes:predict', { instances: [first], inputs: [first] }, 'received both'],
    ['an unknown field', 'stripes:predict', { instances: [first], topK: 1 }, '/topK: is not a known field'],
    [
      'an unknown signature',
      'stripes:predict',
      { signature_name: 'x', instances: [first] },
      '/signature_name: must be',
    ],
    ['no JSON', 'stripes:predict', 'instances=1', /JSON/],
    ['a number', 'stripes:predict', { instances: 1 }, '/instances: must be a list'],
    ['no rows', 'stripes:predict', { instances: [] }, 'received [0]'],
    ['a short row', 'stripes:predict', { instances: [first.slice(1)] }, 'received [1, 35]'],
    [
      'rows of different length',
      'stripes:predict',
      { instances: [first, first.slice(1)] },
      'the same length',
    ],
    [
      'a text among numbers',
      'stripes:predict',
      { instances: [['a', ...first.slice(1)]] },
      /^\/instances\/0: /,
    ],
    [
      'rows of numbers and objects',
      'stripes:predict',
      { instances: [first, { input: second }] },
      'the same length',
    ],
    ['lists in lists in lists', 'stripes:predict', NESTED, 'may be 32 deep'],
    ['no base64', 'stripes:predict', { instances: [{ b64: '%' }] }, 'base64'],
    ['no image', 'stripes:predict', { instances: [{ b64: 'AAAA' }] }, /^\/instances\/0: .*PNG/],
    ['another name of the input', 'stripes:predict', { instances: [{ image: first }] }, 'received image'],
    ['a missing column', 'houses:predict', { instances: [{ area: 1 }] }, 'missing are age'],
    [
      'a column missing in one row',
      'houses:predict',
      { instances: [house, { area: 1 }] },
      '/instances/1: must have age',
    ],
    ['an unknown column', 'houses:predict', { instances: [{ ...house, floor: 1 }] }, 'received floor'],
    [
      'a wrong cell',
      'houses:predict',
      { instances: [house, { ...house, age: 'old' }] },
      '/instances/1/age: age must be a number; received "old"',
    ],
    ['no examples', 'stripes:classify', { examples: [] }, '/examples'],
  ])('%s', async (_, where, body, message) => {
    const { status, json } = await ask(`/v1/models/${where}`, body)
    expect(json).toEqual({
      error: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
    })
    expect(status).toBe(400)
  })

  it('unknown models, versions and labels, and no key', async () => {
    for (const where of ['none', 'stripes/versions/7', 'stripes/labels/none']) {
      const { status, json } = await ask(`/v1/models/${where}:predict`, { instances: [first] })
      expect([status, json]).toEqual([404, { error: expect.any(String) }])
      const metadata = await service.request(`/v1/models/${where}/metadata`)
      expect([metadata.status, Object.keys((await metadata.json()) as Json)]).toEqual([404, ['error']])
    }
    const { status, json, headers } = await ask(`${MODEL}:predict`, {}, { authorization: 'Bearer wrong' })
    expect([status, Object.keys(json)]).toEqual([401, ['error']])
    expect(headers.get('www-authenticate')).toContain('Bearer')
  })
})
