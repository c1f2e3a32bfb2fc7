import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import http from 'node:http'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import pg from 'pg'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { stripes } from '../helpers/idx.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, TEST_KEY, type TestService } from '../helpers/service.ts'
import { openSeverableRoute, type SeverableRoute } from '../helpers/severable.ts'
import { housesCsv, trainTable } from '../helpers/trained-houses.ts'
import { GOOD, trainVersion } from '../helpers/trained-model.ts'
import { until } from '../helpers/until.ts'

const release = releaseAfterFile()
const INFER = '/v2/models/stripes/infer'
let service: TestService
/** The first two test images, `[2, 36]`, 0 … 255. */
const pixels = [...stripes(30, 3, 6, 2).images.subarray(16, 16 + 2 * 36)]
/** What our own route says of them. */
let expected: { labels: string[]; probabilities: number[] }

beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker()
  const datasetId = await service.uploadStripes()
  await trainVersion(service, datasetId, GOOD)
  await trainTable(service, 'houses', housesCsv(120), 'price')
  expected = await predictOwn([pixels.slice(0, 36), pixels.slice(36)])
})

async function predictOwn(instances: unknown[]) {
  const { predictions } = await service.json('/v1/models/stripes/predict', {
    method: 'POST',
    body: JSON.stringify({ instances }),
    headers: { 'content-type': 'application/json' },
  })
  const classes: string[] = ['0', '1', '2']
  const probabilityOf = ({ top }: Json, label: string) =>
    top.find((one: Json) => one.label === label).probability
  return {
    labels: predictions.map(({ label }: Json) => label),
    probabilities: predictions.flatMap((one: Json) => classes.map(label => probabilityOf(one, label))),
  }
}

/** Posts as Triton's client does: without a content type, and with no more headers than needed. */
async function post(where: string, body: string | Buffer | null, headers: Record<string, string> = {}) {
  const response = await fetch(`${service.url}${where}`, {
    method: 'POST',
    body: body === null ? null : new Blob([typeof body === 'string' ? body : new Uint8Array(body)]),
    headers: { authorization: `Bearer ${TEST_KEY}`, ...headers },
  })
  const content = Buffer.from(await response.arrayBuffer())
  const length = Number(response.headers.get('inference-header-content-length') ?? content.length)
  const json = JSON.parse(content.toString('utf8', 0, length)) as Json
  return { status: response.status, json, binary: content.subarray(length), headers: response.headers }
}

const inferJson = (request: object, where = INFER, headers = {}) =>
  post(where, JSON.stringify(request), headers)

/** JSON and what stands behind it. */
function withBinary(request: object, ...data: Buffer[]): [Buffer, Record<string, string>] {
  const json = Buffer.from(JSON.stringify(request))
  return [Buffer.concat([json, ...data]), { 'inference-header-content-length': String(json.length) }]
}

const input = (fields: object, shape = [2, 36], datatype = 'FP32') => ({
  name: 'input',
  shape,
  datatype,
  ...fields,
})

const bytesOf = (array: ArrayBufferView) => Buffer.from(array.buffer, array.byteOffset, array.byteLength)

function elements(...contents: Buffer[]): Buffer {
  return Buffer.concat(
    contents.flatMap(content => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(content.length)
      return [length, content]
    }),
  )
}

function readElements(data: Buffer): string[] {
  const texts: string[] = []
  for (let at = 0; at < data.length; at += 4 + data.readUInt32LE(at)) {
    texts.push(data.toString('utf8', at + 4, at + 4 + data.readUInt32LE(at)))
  }
  return texts
}

const images = () =>
  Promise.all(
    [pixels.slice(0, 36), pixels.slice(36)].map(image =>
      sharp(Buffer.from(image), { raw: { width: 6, height: 6, channels: 1 } })
        .png()
        .toBuffer(),
    ),
  )

/** Says that a body of so many bytes follows, which is enough to be refused. */
async function announce(bytes: number): Promise<{ status: number; json: Json }> {
  const headers = { authorization: `Bearer ${TEST_KEY}`, 'content-length': bytes }
  const request = http.request(`${service.url}${INFER}`, { method: 'POST', headers, agent: false })
  request.flushHeaders()
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage]
  const text = (await answer.toArray()).join('')
  request.destroy()
  return { status: answer.statusCode ?? 0, json: JSON.parse(text) }
}

const closeTo = (numbers: number[]) => numbers.map(number => expect.closeTo(number, 5))

describe('the server', () => {
  it('tells whether it lives and is ready to anybody, and about itself with a key', async () => {
    const open = async (where: string) => {
      const response = await fetch(`${service.url}${where}`)
      return [response.status, await response.json()]
    }
    expect(await open('/v2/health/live')).toEqual([200, { live: true }])
    expect(await open('/v2/health/ready')).toEqual([200, { ready: true }])
    const refusal = { error: expect.stringContaining('Authorization: Bearer') }
    expect(await open('/v2')).toEqual([401, refusal])
    expect(await open('/v2/models/stripes')).toEqual([401, refusal])
    expect(await open('/v2/health/other')).toEqual([401, refusal])
    const { version } = JSON.parse(await readFile('package.json', 'utf8'))
    const extensions = ['classification', 'binary_tensor_data', 'model_repository']
    expect(await service.json('/v2')).toEqual({
      name: 'trainyard',
      version,
      extensions: [...extensions, 'model_repository(unload_dependents)'],
    })
  })
})

describe('a model', () => {
  it('tells its inputs and outputs, by itself, by a version and by an alias', async () => {
    const metadata = {
      name: 'stripes',
      versions: ['1'],
      platform: 'trainyard_mlp',
      inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 36] }],
      outputs: [
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 3] },
        { name: 'label', datatype: 'BYTES', shape: [-1] },
      ],
    }
    for (const where of ['', '/versions/1', '/versions/latest']) {
      expect(await service.json(`/v2/models/stripes${where}`)).toEqual(metadata)
      expect(await service.json(`/v2/models/stripes${where}/ready`)).toEqual({ name: 'stripes', ready: true })
    }
  })

  it('of a table tells an input for each column that it learnt from', async () => {
    expect(await service.json('/v2/models/houses')).toMatchObject({
      inputs: [
        { name: 'area', datatype: 'FP64', shape: [-1, 1] },
        { name: 'age', datatype: 'FP64', shape: [-1, 1] },
        { name: 'city', datatype: 'BYTES', shape: [-1, 1] },
        { name: 'garden', datatype: 'BOOL', shape: [-1, 1] },
        { name: 'sold', datatype: 'BYTES', shape: [-1, 1] },
      ],
      outputs: [{ name: 'values', datatype: 'FP32', shape: [-1, 1] }],
    })
  })
})

describe('numbers in JSON', () => {
  it.each([
    ['in a row', [2, 36], (all: number[]) => all],
    ['row by row', [2, 36], (all: number[]) => [all.slice(0, 36), all.slice(36)]],
    ['in the shape of an image', [2, 6, 6, 1], (all: number[]) => all],
    ['as NumPy has grey images', [2, 6, 6], (all: number[]) => all],
  ])('%s answer as the own route does', async (_, shape, arrange) => {
    const { status, json, headers } = await inferJson({
      id: 'question 7',
      inputs: [input({ data: arrange(pixels) }, shape)],
      parameters: { something: 'unknown' },
    })
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(json).toEqual({
      model_name: 'stripes',
      model_version: '1',
      id: 'question 7',
      outputs: [
        { name: 'probabilities', datatype: 'FP32', shape: [2, 3], data: closeTo(expected.probabilities) },
        { name: 'label', datatype: 'BYTES', shape: [2], data: expected.labels },
      ],
    })
  })

  it.each(['FP64', 'UINT8', 'INT32', 'INT64', 'UINT16'])('of %s answer the same', async datatype => {
    const { json } = await inferJson({ inputs: [input({ data: pixels }, [2, 36], datatype)] })
    expect(json.outputs[0].data).toEqual(closeTo(expected.probabilities))
  })

  it('may be packed with gzip', async () => {
    const body = gzipSync(JSON.stringify({ inputs: [input({ data: pixels })] }))
    const { json } = await post(INFER, body, { 'content-encoding': 'gzip' })
    expect(json.outputs[1].data).toEqual(expected.labels)
    const { status, json: refusal } = await post(INFER, body, { 'content-encoding': 'br' })
    expect([status, refusal.error]).toEqual([415, expect.stringContaining('received br')])
  })
})

describe('binary data', () => {
  it.each([
    ['FP32', (all: number[]) => Float32Array.from(all)],
    ['FP64', (all: number[]) => Float64Array.from(all)],
    ['UINT8', (all: number[]) => Uint8Array.from(all)],
    ['INT32', (all: number[]) => Int32Array.from(all)],
    ['INT64', (all: number[]) => BigInt64Array.from(all, BigInt)],
    ['INT16', (all: number[]) => Int16Array.from(all)],
  ])('of %s goes in, and FP32 and BYTES come out', async (datatype, make) => {
    for (const id of ['a', 'ab', 'abc', 'abcd']) {
      // of each length of JSON the data lies elsewhere in memory
      const data = bytesOf(make(pixels))
      const described = input({ parameters: { binary_data_size: data.length } }, [2, 36], datatype)
      const request = { id, inputs: [described], parameters: { binary_data_output: true } }
      const { status, json, binary, headers } = await post(INFER, ...withBinary(request, data))
      expect([status, json.id]).toEqual([200, id])
      expect(headers.get('content-type')).toBe('application/octet-stream')
      const size = elements(...expected.labels.map(label => Buffer.from(label))).length
      expect(json.outputs).toEqual([
        { name: 'probabilities', datatype: 'FP32', shape: [2, 3], parameters: { binary_data_size: 24 } },
        { name: 'label', datatype: 'BYTES', shape: [2], parameters: { binary_data_size: size } },
      ])
      const probabilities = [...new Float32Array(new Uint8Array(binary.subarray(0, 24)).buffer)]
      expect(probabilities).toEqual(closeTo(expected.probabilities))
      expect(readElements(binary.subarray(24))).toEqual(expected.labels)
    }
  })

  it('is what one output wants, and JSON another, in the order of the request', async () => {
    const outputs = [{ name: 'label' }, { name: 'probabilities', parameters: { binary_data: true } }]
    const { json, binary } = await inferJson({ inputs: [input({ data: pixels })], outputs })
    expect(json.outputs.map(({ name }: Json) => name)).toEqual(['label', 'probabilities'])
    expect(json.outputs[0].data).toEqual(expected.labels)
    expect(binary.readFloatLE(4)).toBeCloseTo(expected.probabilities[1] ?? Number.NaN, 5)
    const overridden = await inferJson({
      inputs: [input({ data: pixels })],
      parameters: { binary_data_output: true },
      outputs: [{ name: 'label', parameters: { binary_data: false } }],
    })
    expect([overridden.json.outputs[0].data, overridden.binary.length]).toEqual([expected.labels, 0])
  })

  it('is answered once for each Idempotency-Key, byte by byte', async () => {
    const request = { inputs: [input({ data: pixels })], parameters: { binary_data_output: true } }
    const key = { 'idempotency-key': 'binary 1' }
    const [first, again] = [await inferJson(request, INFER, key), await inferJson(request, INFER, key)]
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect([again.json, again.binary]).toEqual([first.json, first.binary])
    expect(again.binary.length).toBeGreaterThan(24)
    const wrong = { inputs: [input({ data: [1] })] }
    const refusals = [
      await inferJson(wrong, INFER, { 'idempotency-key': 'wrong' }),
      await inferJson(wrong, INFER, { 'idempotency-key': 'wrong' }),
    ]
    expect(refusals.map(({ status }) => status)).toEqual([400, 400])
    expect(refusals[1]?.json).toEqual(refusals[0]?.json)
  })
})

describe('images', () => {
  it('are BYTES, binary or as base64', async () => {
    const files = await images()
    const data = elements(...files)
    const binary = { inputs: [input({ parameters: { binary_data_size: data.length } }, [2], 'BYTES')] }
    const encoded = { inputs: [input({ data: files.map(file => file.toString('base64')) }, [2, 1], 'BYTES')] }
    for (const { json } of [await post(INFER, ...withBinary(binary, data)), await inferJson(encoded)]) {
      expect(json.outputs[1].data).toEqual(expected.labels)
    }
  })

  it('that are none are refused with their place', async () => {
    const [file] = await images()
    const texts = [file?.toString('base64'), 'bm90IGFuIGltYWdl']
    const { status, json } = await inferJson({ inputs: [input({ data: texts }, [2], 'BYTES')] })
    expect([status, json.error]).toEqual([
      400,
      expect.stringMatching(/^\/inputs\/0\/data\/1: .*PNG, JPEG or WebP/),
    ])
  })
})

describe('classification', () => {
  const ask = (classification: number, more = {}) =>
    inferJson({
      inputs: [input({ data: pixels })],
      outputs: [{ name: 'probabilities', parameters: { classification, ...more } }],
    })

  it('gives the greatest values with their index and label, as JSON and as bytes', async () => {
    const { json } = await ask(2)
    const [output] = json.outputs
    expect(output).toMatchObject({ name: 'probabilities', datatype: 'BYTES', shape: [2, 2] })
    const parsed = output.data.map((text: string) => text.split(':'))
    expect(parsed.map(([, index, label]: string[]) => index === label)).toEqual([true, true, true, true])
    expect([parsed[0][2], parsed[2][2]]).toEqual(expected.labels)
    expect(Number(parsed[0][0])).toBeCloseTo(Math.max(...expected.probabilities.slice(0, 3)), 5)
    expect(Number(parsed[0][0])).toBeGreaterThanOrEqual(Number(parsed[1][0]))
    expect(readElements((await ask(2, { binary_data: true })).binary)).toEqual(output.data)
  })

  it('gives no more classes than there are', async () => {
    expect((await ask(100)).json.outputs[0].shape).toEqual([2, 3])
  })
})

describe('tables', () => {
  const houses = (more: object[] = []) => ({
    inputs: [
      { name: 'area', datatype: 'FP64', shape: [2, 1], data: [100, 50] },
      { name: 'age', datatype: 'INT64', shape: [2, 1], data: [10, null] },
      { name: 'city', datatype: 'BYTES', shape: [2, 1], data: ['Oslo', 'nowhere'] },
      { name: 'garden', datatype: 'BOOL', shape: [2, 1], data: [true, false] },
      { name: 'sold', datatype: 'BYTES', shape: [2], data: ['2020-05-01', '2020-06-01'] },
      ...more,
    ],
  })

  it('take a value for each column and answer in the units of the target', async () => {
    const { status, json } = await inferJson(houses(), '/v2/models/houses/infer')
    expect([status, json.error]).toEqual([200, undefined])
    const [output] = json.outputs
    expect(output).toMatchObject({ name: 'values', datatype: 'FP32', shape: [2, 1] })
    expect(output.data[0]).toBeGreaterThan(280) // 340 is right
    expect(output.data[0]).toBeLessThan(400)
    expect(output.data[1]).toBeLessThan(output.data[0])
  })

  it('give the same for binary columns, where NaN is a missing number', async () => {
    const { json } = await inferJson(houses(), '/v2/models/houses/infer')
    const columns: [string, string, Buffer][] = [
      ['city', 'BYTES', elements(Buffer.from('Oslo'), Buffer.from('nowhere'))],
      ['age', 'FP64', bytesOf(Float64Array.of(10, Number.NaN))],
      ['area', 'FP32', bytesOf(Float32Array.of(100, 50))],
      ['garden', 'BOOL', Buffer.from([1, 0])],
      ['sold', 'BYTES', elements(Buffer.from('2020-05-01'), Buffer.from('2020-06-01'))],
    ]
    const inputs = columns.map(([name, datatype, data]) => {
      return { name, datatype, shape: [2], parameters: { binary_data_size: data.length } }
    })
    const data = columns.map(([, , bytes]) => bytes)
    const answered = await post('/v2/models/houses/infer', ...withBinary({ inputs }, ...data))
    expect(answered.json).toEqual(json)
  })

  it('refuse columns that are missing, unknown, or of another length or kind, by name', async () => {
    const ask = async (request: object) => {
      const { status, json } = await inferJson(request, '/v2/models/houses/infer')
      return [status, json.error]
    }
    const { inputs } = houses()
    expect(await ask({ inputs: inputs.slice(1) })).toEqual([400, expect.stringContaining('missing are area')])
    const floor = { name: 'floor', datatype: 'FP32', shape: [2], data: [1, 2] }
    expect(await ask(houses([floor]))).toEqual([400, expect.stringMatching(/^\/inputs\/5: .*received floor/)])
    const short = { name: 'age', datatype: 'FP32', shape: [1], data: [1] }
    expect(await ask({ inputs: inputs.with(1, short) })).toEqual([
      400,
      expect.stringContaining('[1] for age'),
    ])
    const wrong = { name: 'age', datatype: 'BYTES', shape: [2], data: ['7', 'old'] }
    const refusal = '/inputs/1/data/1: age must be a number; received "old"'
    expect(await ask({ inputs: inputs.with(1, wrong) })).toEqual([400, refusal])
    const whole = [{ name: 'input', datatype: 'FP32', shape: [1, 5], data: [1, 2, 3, 4, 5] }]
    expect(await ask({ inputs: whole })).toEqual([400, expect.stringContaining('city has categories')])
  })
})

describe('wrong requests are refused with { error }', () => {
  const shape = (wanted: number[], data = pixels) => ({ inputs: [input({ data }, wanted)] })
  it.each<[string, object, string | RegExp]>([
    ['no inputs', {}, '/inputs: is required'],
    ['an empty list of inputs', { inputs: [] }, /^\/inputs: .*1/],
    [
      'an input of another name',
      { inputs: [{ ...input({ data: [] }), name: 'x', shape: [0] }] },
      'one input, input; received x',
    ],
    [
      'two inputs',
      { inputs: [input({ data: [1] }, [1]), input({ data: [1] }, [1])] },
      'received input, input',
    ],
    [
      'a shape that is not that of the data',
      { inputs: [input({ data: [1, 2] })] },
      '/inputs/0/shape: the shape [2, 36]',
    ],
    ['a shape that is not that of the model', shape([36, 2]), '[count, 36] or [count, 6, 6, 1]'],
    ['an example without a count', { inputs: [input({ data: pixels.slice(36) }, [36])] }, 'received [36]'],
    ['a negative dimension', shape([-2, 36]), '/inputs/0/shape/0: must be >= 0'],
    [
      'an unknown datatype',
      { inputs: [input({ data: pixels }, [2, 36], 'FP16')] },
      /^\/inputs\/0\/datatype: .*received FP16/,
    ],
    [
      'fractions of INT32',
      { inputs: [input({ data: pixels.with(3, 1.5) }, [2, 36], 'INT32')] },
      'number 3 is 1.5',
    ],
    [
      '256 of UINT8',
      { inputs: [input({ data: pixels.with(0, 256) }, [2, 36], 'UINT8')] },
      'from 0 to 255; number 0 is 256',
    ],
    ['texts of FP32', { inputs: [input({ data: ['1'] }, [1])] }, '/inputs/0/data: FP32 must be numbers'],
    [
      'numbers of BYTES',
      { inputs: [input({ data: [1] }, [1], 'BYTES')] },
      'BYTES must be texts; received numbers',
    ],
    ['a number in place of data', { inputs: [input({ data: 1 }, [1])] }, '/inputs/0/data: must be a list'],
    ['no data', { inputs: [input({})] }, 'either data or binary_data_size'],
    [
      'null in place of a pixel',
      { inputs: [input({ data: [null, ...pixels.slice(1)] })] },
      '/inputs/0/data/0: an input must hold 36 numbers',
    ],
    [
      'binary data that is not there',
      { inputs: [input({ parameters: { binary_data_size: 4 } }, [1])] },
      'received 0',
    ],
    [
      'shared memory',
      { inputs: [input({ parameters: { shared_memory_region: 'a' } })] },
      'shared memory is not there',
    ],
    [
      'an unknown output',
      { ...shape([2, 36]), outputs: [{ name: 'x' }] },
      '/outputs/0/name: an output must be one of probabilities, label',
    ],
    [
      'classes of the label',
      { ...shape([2, 36]), outputs: [{ name: 'label', parameters: { classification: 1 } }] },
      'needs an output of numbers',
    ],
    [
      'a wrong parameter',
      { ...shape([2, 36]), parameters: { binary_data_output: 'yes' } },
      '/parameters/binary_data_output: must be boolean',
    ],
  ])('%s', async (_, request, message) => {
    const { status, json, headers } = await inferJson(request)
    expect(json).toEqual({
      error: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
    })
    expect([status, headers.get('content-type')]).toEqual([400, 'application/json; charset=utf-8'])
  })

  it('numbers that are not finite in float32', async () => {
    const text = JSON.stringify({ inputs: [input({ data: pixels })] }).replace(`[${pixels[0]}`, '[1e39')
    const { status, json } = await post(INFER, text)
    expect([status, json.error]).toEqual([400, expect.stringContaining('number 0 of example 0 is not')])
    const data = bytesOf(Float32Array.from(pixels).fill(Number.NaN, 40, 41))
    const request = { inputs: [input({ parameters: { binary_data_size: data.length } })] }
    const binary = await post(INFER, ...withBinary(request, data))
    expect([binary.status, binary.json.error]).toEqual([
      400,
      expect.stringContaining('number 4 of example 1'),
    ])
  })

  it('binary data that is torn, too long, or has no whole JSON before it', async () => {
    const data = bytesOf(Float32Array.from(pixels))
    const request = { inputs: [input({ parameters: { binary_data_size: data.length } })] }
    const [body, headers] = withBinary(request, data)
    const messages = [
      await post(INFER, body.subarray(0, -1), headers),
      await post(INFER, Buffer.concat([body, Buffer.alloc(3)]), headers),
      await post(INFER, body, { 'inference-header-content-length': '10' }),
      await post(INFER, body, { 'inference-header-content-length': String(body.length + 1) }),
      await post(INFER, body, { 'inference-header-content-length': '-1' }),
      await post(INFER, body),
    ]
    expect(messages.map(({ status, json }) => [status, Object.keys(json)])).toEqual(
      Array(6).fill([400, ['error']]),
    )
    expect(messages[0]?.json.error).toContain('the 288 of all binary_data_size; received 287')
    const torn = { inputs: [input({ parameters: { binary_data_size: 6 } }, [1], 'BYTES')] }
    const file = Buffer.concat([Buffer.from([9, 0, 0, 0]), Buffer.from('ab')])
    const { json } = await post(INFER, ...withBinary(torn, file))
    expect(json.error).toContain('the data ends within element 0')
  })

  it('what is not JSON, too large, unknown, or asked in another way', async () => {
    const statusOf = async (answer: Promise<{ status: number; json: Json }>) => {
      const { status, json } = await answer
      expect(json).toEqual({ error: expect.any(String) })
      return status
    }
    expect(await statusOf(post(INFER, '{'))).toBe(400)
    expect(await statusOf(post(INFER, null))).toBe(400)
    expect(await statusOf(post(INFER, `{"inputs":${'['.repeat(100_000)}`))).toBe(400)
    expect(await statusOf(post(INFER, '{"inputs":[],"__proto__":{}}'))).toBe(400)
    expect(await statusOf(announce(33 * 1024 ** 2))).toBe(413)
    const bomb = gzipSync(Buffer.alloc(40 * 1024 ** 2))
    expect(await statusOf(post(INFER, bomb, { 'content-encoding': 'gzip' }))).toBe(413)
    expect(await statusOf(post(INFER, 'no gzip', { 'content-encoding': 'gzip' }))).toBe(400)
    const request = { inputs: [input({ data: pixels })] }
    expect(await statusOf(inferJson(request, '/v2/models/none/infer'))).toBe(404)
    expect(await statusOf(inferJson(request, '/v2/models/stripes/versions/9/infer'))).toBe(404)
    expect(await statusOf(inferJson(request, '/v2/models/stripes/versions/none/infer'))).toBe(404)
    expect(await statusOf(inferJson(request, '/v2/models/stripes/versions/0/infer'))).toBe(400)
    expect(await statusOf(inferJson(request, '/v2/nothing'))).toBe(404)
    expect(await statusOf(inferJson(request, '/v2/models/%ff/infer'))).toBe(400)
    const get = await service.request(INFER)
    expect([get.status, get.headers.get('allow'), await get.json()]).toEqual([
      405,
      'POST',
      { error: expect.any(String) },
    ])
  })
})

describe('the repository', () => {
  const index = async (body: string | null = null) => {
    const { status, json } = await post('/v2/repository/index', body)
    expect(status).toBe(200)
    return new Map(
      (json as unknown as Json[]).map(({ name, version, state }) => [`${name} ${version}`, state]),
    )
  }
  const act = (name: string, action: string, body: string | null = null) =>
    post(`/v2/repository/models/${name}/${action}`, body)

  it('lists every version, frees its memory and loads it', async () => {
    expect(await act('stripes', 'load')).toMatchObject({ status: 200, json: {} })
    expect(await act('houses', 'load', '{}')).toMatchObject({ status: 200 })
    expect(await index()).toEqual(
      new Map([
        ['houses 1', 'READY'],
        ['stripes 1', 'READY'],
      ]),
    )
    expect(await act('houses', 'unload', '{"parameters":{"unload_dependents":true}}')).toMatchObject({
      status: 200,
    })
    expect(await index('{}')).toEqual(
      new Map([
        ['houses 1', 'UNAVAILABLE'],
        ['stripes 1', 'READY'],
      ]),
    )
    expect(await index('{"ready":true}')).toEqual(new Map([['stripes 1', 'READY']]))
    await service.json('/v2/models/houses/ready') // the next request loads it
    expect((await index()).get('houses 1')).toBe('READY')
  })

  it('refuses models that are not there, and what would change one', async () => {
    expect(await act('none', 'load')).toMatchObject({ status: 404, json: { error: expect.any(String) } })
    expect(await act('none', 'unload')).toMatchObject({ status: 404, json: { error: expect.any(String) } })
    const config = JSON.stringify({ parameters: { config: '{}' } })
    expect(await act('stripes', 'load', config)).toMatchObject({
      status: 400,
      json: { error: expect.stringMatching(/^\/parameters\/config: /) },
    })
  })
})

it('an alias that is split counts for requests without a version, and sessions stay with one', async () => {
  const dataset = (await service.json('/v1/datasets')).data.find(({ name }: Json) => name === 'stripes')
  await trainVersion(service, dataset.id, { ...GOOD, seed: 3 })
  const put = (targets: object[]) =>
    service.json('/v1/models/stripes/aliases/production', {
      method: 'PUT',
      body: JSON.stringify({ targets }),
      headers: { 'content-type': 'application/json' },
    })
  await put([
    { version: 1, weight: 50 },
    { version: 2, weight: 50 },
  ])
  const versions = new Set<string>()
  for (let asked = 0; asked < 40; asked++) {
    const { json } = await inferJson({ inputs: [input({ data: pixels })] })
    versions.add(json.model_version)
  }
  expect([...versions].sort()).toEqual(['1', '2']) // the odds against it are 2³⁹ to one
  const session = { 'x-trainyard-session': 'one' }
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => inferJson({ inputs: [input({ data: pixels })] }, INFER, session)),
  )
  expect(new Set(answers.map(({ json }) => json.model_version)).size).toBe(1)
  const counted = await until(
    async () => {
      const traffic = await service.json('/v1/models/stripes/aliases/production/traffic')
      const requests = traffic.versions.reduce((sum: number, row: Json) => sum + row.requests, 0)
      return requests === 50 ? traffic : null
    },
    { what: '50 counted requests' },
  )
  expect(counted.versions).toHaveLength(2)
})

it('a deadline holds, by the header and by the parameter in microseconds', async () => {
  const data = Array.from({ length: 9_000 * 36 }, (_, at) => at % 256)
  const request = { inputs: [input({ data }, [9_000, 36])] }
  const late = await inferJson({ ...request, parameters: { timeout: 1_000 } })
  expect([late.status, Object.keys(late.json)]).toEqual([504, ['error']])
  expect((await inferJson(request, INFER, { prefer: 'wait=0' })).status).toBe(504)
  const whole = await inferJson({ ...request, parameters: { timeout: 60_000_000 } })
  expect([whole.status, whole.json.outputs[0].shape]).toEqual([200, [9_000, 3]])
  expect(whole.json.outputs[0].data).toHaveLength(27_000)
})

it('a model whose files are damaged is not ready, and says so', async () => {
  const client = new pg.Client({ connectionString: service.databaseUrl })
  await client.connect()
  const { rows } = await client.query(`SELECT files FROM model_versions WHERE model_name = 'houses'`)
  await client.end()
  const sha256 = rows[0].files['weights.bin'] as string
  await rm(path.join(service.dataDir, 'blobs', sha256.slice(0, 2), sha256))
  await post('/v2/repository/models/houses/unload', null)
  const response = await service.request('/v2/models/houses/ready')
  expect([response.status, await response.json()]).toEqual([
    503,
    { error: expect.stringContaining('damaged') },
  ])
})

it('without the database new questions get 503 with { error }, and it is not ready', async () => {
  const route: SeverableRoute = await openSeverableRoute(service.databaseUrl)
  release(() => route.close())
  const away = await service.startOtherApi({ DATABASE_URL: route.url })
  route.cut()
  const ask = (where: string) =>
    fetch(`${away.url}${where}`, { headers: { authorization: `Bearer ${TEST_KEY}` } })
  const ready = await ask('/v2/health/ready')
  expect([ready.status, await ready.json()]).toEqual([503, { ready: false }])
  expect((await ask('/v2/health/live')).status).toBe(200)
  const model = await ask('/v2/models/stripes')
  expect([model.status, model.headers.get('retry-after'), Object.keys((await model.json()) as Json)]).toEqual(
    [503, '2', ['error']],
  )
  await away.end('SIGKILL')
})
