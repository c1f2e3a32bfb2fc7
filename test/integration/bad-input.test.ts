import { readdir } from 'node:fs/promises'
import http from 'node:http'
import path from 'node:path'
import { crc32, deflateSync, gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { idxFile, stripes } from '../helpers/idx.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, TEST_KEY, type TestService } from '../helpers/service.ts'
import { until } from '../helpers/until.ts'

/** A request and the refusal that it must get. */
interface Case {
  title: string
  /** Sends the request; the ids of the running service are known only when it is called. */
  send: () => Promise<Response>
  status: number
  code: string
  /** The wrong fields, all of them: JSON pointers into the body. */
  pointers?: string[]
  /** The wrong fields, all of them: query and path parameters. */
  parameters?: string[]
}

const ANSWER_MS = 10_000
const DEPTH = 200_000
const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex')
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
const SVG = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="6" height="6"/>')
const BOUNDARY = 'trainyard-test'

const release = releaseAfterFile()
let service: TestService
let datasetId: string
let png: Buffer<ArrayBuffer>
const statuses: number[] = []

beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker()
  datasetId = await service.uploadStripes()
  const id = await service.submit(datasetId, { training: { epochs: 1, seed: 1 } })
  const job = await service.untilJob(id, ({ finishedAt }) => finishedAt !== null)
  expect(job.status).toBe('succeeded')
  const image = await service.request(`/v1/datasets/${datasetId}/examples/0/image.png`)
  png = Buffer.from(await image.arrayBuffer())
})

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

function ask(where: string, init: RequestInit = {}): Promise<Response> {
  return service.request(where, { ...init, signal: AbortSignal.timeout(ANSWER_MS) })
}

function post(where: string, body: RequestInit['body'], contentType = 'application/json'): Promise<Response> {
  return ask(where, { method: 'POST', body: body ?? null, headers: { 'content-type': contentType } })
}

// ——— jobs

/** A good job request in JSON, except for what is put in place of its fields. */
function jobText(fields: object = {}): string {
  const layers = [
    { type: 'dense', units: 8, activation: 'relu' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ]
  const training = { epochs: 1, batchSize: 10 }
  return JSON.stringify({ name: 'refused', datasetId, network: { layers }, training, ...fields })
}

/** A body that is not made of a good job request. */
function body(title: string, text: string | (() => string), status: number, code: string): Case {
  return {
    title: `job: ${title}`,
    send: () => post('/v1/jobs', typeof text === 'string' ? text : text()),
    status,
    code,
  }
}

/** A job request that is refused for the sake of some fields. */
function job(title: string, fields: object | string, ...pointers: string[]): Case {
  const text = () => (typeof fields === 'string' ? `${jobText().slice(0, -1)},${fields}}` : jobText(fields))
  return {
    title: `job: ${title}`,
    send: () => post('/v1/jobs', text()),
    status: 422,
    code: 'VALIDATION_FAILED',
    pointers,
  }
}

/** A job request whose first layer is refused. */
function layer(title: string, fields: object, ...pointers: string[]): Case {
  const first = { type: 'dense', units: 8, activation: 'relu', ...fields }
  const layers = [first, { type: 'dense', units: 3, activation: 'softmax' }]
  return job(title, { network: { layers } }, ...pointers.map(pointer => `/network/layers/0${pointer}`))
}

/** A job request whose training is refused. */
function training(title: string, fields: object, ...pointers: string[]): Case {
  return job(title, { training: fields }, ...pointers.map(pointer => `/training${pointer}`))
}

const jobs: Case[] = [
  body('malformed JSON', '{"name": "a",', 400, 'MALFORMED_REQUEST'),
  body('empty body', '', 400, 'MALFORMED_REQUEST'),
  body('2 MB of JSON', () => jobText({ name: 'a'.repeat(2_000_000) }), 413, 'PAYLOAD_TOO_LARGE'),
  body('__proto__', '{"__proto__": {"isAdmin": true}}', 400, 'MALFORMED_REQUEST'),
  body('constructor.prototype', '{"constructor": {"prototype": {"a": 1}}}', 400, 'MALFORMED_REQUEST'),
  ...['[]', '7', '"text"', 'null', 'true', nested(DEPTH)].map(text => ({
    ...body(`body ${text.slice(0, 6)} of ${text.length} bytes`, text, 422, 'VALIDATION_FAILED'),
    pointers: [''],
  })),
  ...['text/plain', 'application/xml', 'image/png', 'application/x-www-form-urlencoded'].map(type => ({
    title: `job: content type ${type}`,
    send: () => post('/v1/jobs', jobText(), type),
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
  })),
  {
    title: 'job: multipart',
    send: () => ask('/v1/jobs', { method: 'POST', body: form(['name', 'digits']) }),
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
  },
  {
    title: 'job: neither body nor content type',
    send: () => ask('/v1/jobs', { method: 'POST' }),
    status: 422,
    code: 'VALIDATION_FAILED',
    pointers: [''],
  },
  job('unknown field', { foo: 1 }, '/foo'),
  job('unknown field with characters of JSON pointers', { 'a/b~c': 1 }, '/a~1b~0c'),
  job('several wrong fields at once', { foo: 1, name: 7, priority: 101 }, '/foo', '/name', '/priority'),
  job('missing network', { network: undefined }, '/network'),
  job('no layers', { network: { layers: [] } }, '/network/layers'),
  job('network nested too deep', `"network": ${nested(DEPTH)}`, '/network'),
  job('unknown dataset', { datasetId: 'ds_01KAV5Q2M3ZJ8C1N4R7T9WXYZ0' }, '/datasetId'),
  job('NUL in the dataset id', { datasetId: 'ds_\u0000' }, '/datasetId'),
  job('dataset id that is a number', { datasetId: 7 }, '/datasetId'),
  job('name with a slash', { name: 'a/b' }, '/name'),
  job('name with a leading space', { name: ' a' }, '/name'),
  job('name of 101 characters', { name: 'a'.repeat(101) }, '/name'),
  job('empty name', { name: '' }, '/name'),
  job('name with NUL', { name: 'a\u0000' }, '/name'),
  job('name with half a surrogate pair', { name: 'a\ud800' }, '/name'),
  job('model name with a slash', { model: { name: 'a/b' } }, '/model/name'),
  job('metadata that is a list', { metadata: ['a'] }, '/metadata'),
  job('metadata with a number', { metadata: { customer: 7 } }, '/metadata/customer'),
  job('metadata with a bad key', { metadata: { 'a b': 'c' } }, '/metadata/a b'),
  job('metadata of 513 characters', { metadata: { a: 'b'.repeat(513) } }, '/metadata/a'),
  job('metadata with NUL', { metadata: { a: 'b\u0000' } }, '/metadata/a'),
  job('metadata with half a surrogate pair', { metadata: { a: '\ud800' } }, '/metadata/a'),
  layer('unknown field of a layer', { foo: 1 }, '/foo'),
  layer('units 0', { units: 0 }, '/units'),
  layer('units 1e9', { units: 1e9 }, '/units'),
  layer('units 1.5', { units: 1.5 }, '/units'),
  layer('units as text', { units: '8' }, '/units'),
  layer('no units', { units: undefined }, '/units'),
  layer('unknown activation', { activation: 'swish' }, '/activation'),
  layer('activation __proto__', { activation: '__proto__' }, '/activation'),
  layer('unknown layer type', { type: 'conv2d' }, '/type'),
  layer('no layer type', { type: undefined }, '/type'),
  job(
    'softmax with wrong units',
    { network: { layers: [{ type: 'dense', units: 4, activation: 'softmax' }] } },
    '/network/layers/0/units',
  ),
  job(
    'too many parameters',
    {
      network: {
        layers: [5_000, 10_000, 3].map(units => ({ type: 'dense', units, activation: 'softmax' })),
      },
    },
    '/network/layers',
  ),
  body(
    '60,000 unknown fields',
    () => jobText(Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`f${index}`, 1]))),
    422,
    'VALIDATION_FAILED',
  ),
  training('epochs 0', { epochs: 0 }, '/epochs'),
  training('epochs as text', { epochs: '3' }, '/epochs'),
  training('epochs null', { epochs: null }, '/epochs'),
  training('batchSize 0', { batchSize: 0 }, '/batchSize'),
  training('unknown field of training', { foo: 1 }, '/foo'),
  training('seed -1', { seed: -1 }, '/seed'),
  training('unknown optimizer type', { optimizer: { type: 'adamax' } }, '/optimizer/type'),
  training('optimizer as text', { optimizer: 'adam' }, '/optimizer'),
  training('learningRate 0', { optimizer: { type: 'adam', learningRate: 0 } }, '/optimizer/learningRate'),
  training('learningRate -1', { optimizer: { type: 'sgd', learningRate: -1 } }, '/optimizer/learningRate'),
  job(
    'learningRate 1e999',
    '"training": {"optimizer": {"type": "adam", "learningRate": 1e999}}',
    '/training/optimizer/learningRate',
  ),
  job('scale 1e999', '"preprocessing": {"scale": -1e999}', '/preprocessing/scale'),
  training('unknown loss', { loss: 'ctc' }, '/loss'),
  job(
    'loss that does not fit the activation',
    { training: { loss: 'binaryCrossentropy' } },
    '/network/layers/1/activation',
  ),
  training(
    'validation split that does not exist',
    { validation: { split: 'validation' } },
    '/validation/split',
  ),
  training('validation on the training split', { validation: { split: 'train' } }, '/validation/split'),
  training('validation fraction 0', { validation: { fraction: 0 } }, '/validation/fraction'),
  training('validation fraction 1', { validation: { fraction: 1 } }, '/validation/fraction'),
  training('validation fraction too small', { validation: { fraction: 0.001 } }, '/validation/fraction'),
  training('split and fraction', { validation: { split: 'test', fraction: 0.1 } }, '/validation'),
  training('neither split nor fraction', { validation: {} }, '/validation'),
  training('unknown metric', { metrics: ['f2'] }, '/metrics/0'),
  training('a metric twice', { metrics: ['accuracy', 'accuracy'] }, '/metrics'),
  job(
    'metrics nested too deep',
    `"training": {"metrics": [${nested(DEPTH)}, ${nested(DEPTH)}]}`,
    '/training/metrics/0',
    '/training/metrics/1',
  ),
]

// ——— keys, addresses, queries

/** A request without a body. */
function get(title: string, where: string, status: number, code: string, parameters?: string[]): Case {
  return { title, send: () => ask(where), status, code, ...(parameters && { parameters }) }
}

/** A query that is refused for the sake of one parameter. */
function query(where: string, parameter: string): Case {
  return get(`query: ${where}`, where, 422, 'VALIDATION_FAILED', [parameter])
}

/** A request whose key is not good. */
function keyless(title: string, where: string, headers: Record<string, string> = {}): Case {
  return {
    title: `key: ${title}`,
    send: () => send({ method: 'GET', path: where, headers }),
    status: 401,
    code: 'UNAUTHENTICATED',
  }
}

const addresses: Case[] = [
  keyless('missing', '/v1/datasets'),
  keyless('wrong', '/v1/datasets', { authorization: 'Bearer ty_wrong' }),
  keyless('in another scheme', '/v1/datasets', { authorization: `Basic ${TEST_KEY}` }),
  keyless('without a scheme', '/v1/datasets', { authorization: TEST_KEY }),
  keyless('in the query', `/v1/datasets?key=${TEST_KEY}`),
  keyless('missing, on a route that does not exist', '/v1/nothing'),
  keyless('missing, with the address percent-encoded', '/%761/datasets'),
  keyless('missing, with the address in absolute form', 'http://localhost/v1/datasets'),
  get('unknown route', '/v1/nothing', 404, 'NOT_FOUND'),
  get('unknown route outside of the API', '/nothing', 404, 'NOT_FOUND'),
  {
    title: 'method that the route does not have',
    send: () => ask('/v1/datasets', { method: 'PATCH' }),
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
  },
  {
    title: 'method that a route with a parameter does not have',
    send: () => ask('/v1/models/stripes/predict'),
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
  },
  get('percent-encoding that cannot be read', '/v1/jobs/%E0%A4%A', 400, 'MALFORMED_REQUEST'),
  get('parameter that is too long', `/v1/jobs/${'a'.repeat(2_000)}`, 414, 'URI_TOO_LONG'),
  get('unknown job', '/v1/jobs/job_none', 404, 'JOB_NOT_FOUND'),
  get('unknown job, its epochs', '/v1/jobs/job_none/epochs', 404, 'JOB_NOT_FOUND'),
  get('unknown job, its events', '/v1/jobs/job_none/events', 404, 'JOB_NOT_FOUND'),
  get('unknown job, its curves', '/v1/jobs/job_none/curves.png', 404, 'JOB_NOT_FOUND'),
  get('unknown job, waiting', '/v1/jobs/job_none?waitSeconds=60', 404, 'JOB_NOT_FOUND'),
  get('NUL as a job', '/v1/jobs/%00', 422, 'VALIDATION_FAILED', ['id']),
  get('unknown dataset', '/v1/datasets/ds_none', 404, 'DATASET_NOT_FOUND'),
  get('NUL as a dataset', '/v1/datasets/a%00', 422, 'VALIDATION_FAILED', ['id']),
  get('unknown model', '/v1/models/none', 404, 'MODEL_NOT_FOUND'),
  get('NUL as a model', '/v1/models/%00', 422, 'VALIDATION_FAILED', ['name']),
  get('model __proto__', '/v1/models/__proto__', 404, 'MODEL_NOT_FOUND'),
  get('unknown version', '/v1/models/stripes/versions/9', 404, 'MODEL_VERSION_NOT_FOUND'),
  get('version abc', '/v1/models/stripes/versions/abc', 422, 'VALIDATION_FAILED', ['version']),
  get('version 1e99', '/v1/models/stripes/versions/1e99', 422, 'VALIDATION_FAILED', ['version']),
  {
    title: 'cancelling an unknown job',
    send: () => ask('/v1/jobs/job_none/cancel', { method: 'POST' }),
    status: 404,
    code: 'JOB_NOT_FOUND',
  },
  {
    title: 'retrying with an unknown field',
    send: () => post('/v1/jobs/job_none/retry', '{"foo": 1}'),
    status: 422,
    code: 'VALIDATION_FAILED',
    pointers: ['/foo'],
  },
  {
    title: 'deleting an unknown dataset',
    send: () => ask('/v1/datasets/ds_none', { method: 'DELETE' }),
    status: 404,
    code: 'DATASET_NOT_FOUND',
  },
  query('/v1/datasets?limit=0', 'limit'),
  query('/v1/datasets?limit=101', 'limit'),
  query('/v1/datasets?limit=abc', 'limit'),
  query('/v1/datasets?limit=1&limit=2', 'limit'),
  query('/v1/datasets?foo=1', 'foo'),
  query('/v1/datasets?a/b=1', 'a/b'),
  query('/v1/datasets?__proto__=1', '__proto__'),
  query('/v1/datasets/ds_none?waitSeconds=61', 'waitSeconds'),
  query('/v1/datasets/ds_none/statistics?foo=1', 'foo'),
  query('/v1/jobs/job_none/curves.svg?foo=1', 'foo'),
  query('/v1/jobs/job_none/epochs?streamToken=st_none', 'streamToken'),
  query('/v1/models/stripes?foo=1', 'foo'),
  query('/v1/models/stripes/versions/1/artifact/model.json?foo=1', 'foo'),
  query('/v1/queue?foo=1', 'foo'),
  query('/v1/workers?__proto__=1', '__proto__'),
  {
    title: 'query: POST /v1/jobs/job_none/cancel?foo=1',
    send: () => ask('/v1/jobs/job_none/cancel?foo=1', { method: 'POST' }),
    status: 422,
    code: 'VALIDATION_FAILED',
    parameters: ['foo'],
  },
  query('/v1/datasets?after=garbage', 'after'),
  query('/v1/datasets?after=%00', 'after'),
  query('/v1/jobs?status=done', 'status'),
  query('/v1/jobs?after=garbage', 'after'),
  query('/v1/jobs?datasetId=%00', 'datasetId'),
  query('/v1/jobs?metadata[a]=%00', 'metadata[a]'),
  query('/v1/jobs?metadata[a%20b]=c', 'metadata[a b]'),
  query('/v1/jobs/job_none?waitSeconds=61', 'waitSeconds'),
  query('/v1/jobs/job_none?waitSeconds=1&sinceEvent=1e30', 'sinceEvent'),
  query('/v1/jobs/job_none/epochs?after=3000000000', 'after'),
  query('/v1/jobs/job_none/events?after=3000000000', 'after'),
  query('/v1/models?after=%00', 'after'),
  get('example beyond the last', '/v1/datasets/ds_none/examples?offset=1e300', 404, 'DATASET_NOT_FOUND'),
]

// ——— uploads

type Part = readonly [name: string, content: string | Uint8Array]

function form(...parts: Part[]): FormData {
  const form = new FormData()
  for (const [name, content] of parts) {
    if (typeof content === 'string') form.append(name, content)
    else form.append(name, new Blob([Uint8Array.from(content)]), name)
  }
  return form
}

/** An upload that is refused, for the sake of a part if one is named. */
function upload(
  title: string,
  parts: readonly Part[],
  pointer: string | null,
  code = 'DATASET_INVALID',
  status = 422,
): Case {
  return {
    title: `upload: ${title}`,
    send: () => ask('/v1/datasets', { method: 'POST', body: form(...parts) }),
    status,
    code,
    ...(pointer !== null && { pointers: [pointer] }),
  }
}

/** The bytes of a multipart body, whole. */
function multipartText(parts: readonly Part[]): Buffer {
  const pieces = parts.flatMap(([name, content]) => {
    const file = typeof content === 'string' ? '' : `; filename="${name}"`
    const head = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n`
    return [Buffer.from(head), Buffer.from(content), Buffer.from('\r\n')]
  })
  return Buffer.concat([...pieces, Buffer.from(`--${BOUNDARY}--\r\n`)])
}

/** A multipart body that ends early, though its length is what the head says. */
function cutOff(title: string, parts: readonly Part[], bytes: number, pointers: string[] = []): Case {
  const whole = multipartText(parts)
  return {
    title: `upload: ${title}`,
    send: () =>
      post(
        '/v1/datasets',
        Uint8Array.from(whole.subarray(0, bytes < 0 ? whole.length + bytes : bytes)),
        `multipart/form-data; boundary=${BOUNDARY}`,
      ),
    status: 400,
    code: 'MALFORMED_REQUEST',
    pointers,
  }
}

/** A copy with one byte replaced. */
function withByte(bytes: Uint8Array, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = value
  return copy
}

const good = stripes(30)
const test = stripes(12, 3, 6, 2)
const name: Part = ['name', 'refused']
const images: Part = ['trainImages', good.images]
const labels: Part = ['trainLabels', good.labels]
const testImages: Part = ['testImages', test.images]
const testLabels: Part = ['testLabels', test.labels]
const zipped = gzipSync(good.images)
const bomb = gzipSync(Buffer.concat([idxFile([30, 6, 6], new Uint8Array(30 * 36)), Buffer.alloc(50_000_000)]))
const fourClasses = stripes(12, 4)
const asImages = (content: Uint8Array): Part[] => [name, ['trainImages', content], labels]

const uploads: Case[] = [
  upload('truncated IDX', asImages(good.images.subarray(0, -1)), '/trainImages'),
  upload('IDX that ends in its header', asImages(good.images.subarray(0, 9)), '/trainImages'),
  upload('empty file', asImages(Buffer.alloc(0)), '/trainImages'),
  upload('header that says more', asImages(withByte(good.images, 7, 31)), '/trainImages'),
  upload('header that says fewer', asImages(withByte(good.images, 7, 29)), '/trainImages'),
  upload('header that says none', asImages(withByte(good.images, 7, 0)), '/trainImages'),
  upload(
    'header that says far too many',
    asImages(idxFile([2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], new Uint8Array(9))),
    '/trainImages',
    'PAYLOAD_TOO_LARGE',
    413,
  ),
  upload('wrong magic', asImages(withByte(good.images, 0, 7)), '/trainImages'),
  upload('wrong type byte', asImages(withByte(good.images, 2, 0x0d)), '/trainImages'),
  upload('wrong number of axes', asImages(withByte(good.images, 3, 9)), '/trainImages'),
  upload('PNG for an IDX file', asImages(PNG_SIGNATURE), '/trainImages'),
  upload('truncated gzip', asImages(zipped.subarray(0, -20)), '/trainImages'),
  upload('gzip with a wrong checksum', asImages(withByte(zipped, zipped.length - 8, 0)), '/trainImages'),
  upload('gzip with nothing in it', asImages(gzipSync('')), '/trainImages'),
  upload('gzip bomb', asImages(bomb), '/trainImages'),
  upload('two channels', asImages(idxFile([30, 2, 2, 2], new Uint8Array(240))), '/trainImages'),
  upload('another number of labels', [name, images, ['trainLabels', test.labels]], '/trainLabels'),
  upload('images for labels', [name, images, ['trainLabels', good.images]], '/trainLabels'),
  upload(
    'test label that is not in train',
    [name, images, labels, ['testImages', fourClasses.images], ['testLabels', fourClasses.labels]],
    '/testLabels',
  ),
  upload(
    'test images of another shape',
    [name, images, labels, ['testImages', stripes(12, 3, 5).images], testLabels],
    '/testImages',
  ),
  upload('no training labels', [name, images], '/trainLabels'),
  upload('no training images', [name, labels], '/trainImages'),
  upload('no files', [name], '/file'),
  upload('no test labels', [name, images, labels, testImages], '/testLabels'),
  upload('unknown file part', [name, ['pictures', good.images], labels], '/pictures', 'VALIDATION_FAILED'),
  upload('file part toString', [name, ['toString', good.images]], null, 'MALFORMED_REQUEST', 400),
  upload('text part __proto__', [['__proto__', 'a'], name], null, 'MALFORMED_REQUEST', 400),
  upload('unknown text part', [name, ['title', 'a'], images, labels], '/title', 'VALIDATION_FAILED'),
  upload('text for a file', [name, ['trainImages', 'a'], labels], '/trainImages', 'VALIDATION_FAILED'),
  upload('file for the name', [['name', Buffer.from('a')], images], '/name', 'VALIDATION_FAILED'),
  upload('file part twice', [name, images, images, labels], '/trainImages', 'VALIDATION_FAILED'),
  upload('name twice', [name, name, images, labels], '/name', 'VALIDATION_FAILED'),
  upload('unknown format', [name, ['format', 'csv'], images], '/format', 'VALIDATION_FAILED'),
  upload('text part after a file part', [images, name, labels], null, 'MALFORMED_REQUEST', 400),
  upload('late text part', [name, images, ['format', 'idx'], labels], null, 'MALFORMED_REQUEST', 400),
  upload('no name', [images, labels], '/name', 'VALIDATION_FAILED'),
  upload('bad name', [['name', 'a/b'], images, labels], '/name', 'VALIDATION_FAILED'),
  upload('text part that is too long', [['name', 'a'.repeat(70_000)]], null, 'PAYLOAD_TOO_LARGE', 413),
  upload('too many parts', [name, ...Array(50).fill(labels)], '/trainLabels', 'VALIDATION_FAILED'),
  upload('no parts', [], '/name', 'VALIDATION_FAILED'),
  ...['application/octet-stream', 'text/csv', 'multipart/mixed; boundary=a'].map(type => ({
    title: `upload: content type ${type}`,
    send: () => post('/v1/datasets', '{}', type),
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
  })),
  {
    title: 'upload: neither body nor content type',
    send: () => ask('/v1/datasets', { method: 'POST' }),
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
  },
  {
    title: 'upload: no boundary',
    send: () => post('/v1/datasets', multipartText([name, images, labels]).toString(), 'multipart/form-data'),
    status: 400,
    code: 'MALFORMED_REQUEST',
  },
  {
    title: 'upload: empty body',
    send: () => post('/v1/datasets', '', `multipart/form-data; boundary=${BOUNDARY}`),
    status: 422,
    code: 'VALIDATION_FAILED',
    pointers: ['/name'],
  },
  cutOff('multipart cut off in a head', [name, images, labels], 40),
  cutOff('multipart cut off in a text part', [name], 75),
  cutOff('multipart cut off in the first file', [name, images, labels], 800, ['/trainImages']),
  cutOff('multipart cut off in a gzip file', [name, ['trainImages', zipped]], 400, ['/trainImages']),
  cutOff('multipart cut off before its end', [name, images, labels], -30, ['/trainLabels']),
]

// ——— predictions

const PREDICT = '/v1/models/stripes/predict'

/** A prediction that is refused, for the sake of an input if one is named. */
function prediction(
  title: string,
  content: string | Uint8Array | (() => string | Uint8Array),
  type: string,
  code: string,
  pointers?: string[],
): Case {
  return {
    title: `prediction: ${title}`,
    send: () => {
      const bytes = typeof content === 'function' ? content() : content
      return post(PREDICT, typeof bytes === 'string' ? bytes : Uint8Array.from(bytes), type)
    },
    status: code === 'UNSUPPORTED_MEDIA_TYPE' ? 415 : 422,
    code,
    ...(pointers && { pointers }),
  }
}

function image(title: string, content: Uint8Array | (() => Uint8Array), type = 'image/png'): Case {
  return prediction(title, content, type, 'IMAGE_INVALID', [''])
}

function json(title: string, text: string | (() => string), code: string, pointer: string): Case {
  return prediction(title, text, 'application/json', code, [pointer])
}

function instance(title: string, text: string, pointer = '/instances/0'): Case {
  return json(title, `{"instances": [${text}]}`, 'INPUT_INVALID', pointer)
}

/** A grey PNG that says it is this large, with little in it. */
function hugePng(width: number, height: number): Buffer {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head[8] = 8
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data])
    const ends = Buffer.alloc(8)
    ends.writeUInt32BE(data.length, 0)
    ends.writeUInt32BE(crc32(body), 4)
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)])
  }
  const data = deflateSync(new Uint8Array(1_000))
  return Buffer.concat([
    PNG_SIGNATURE,
    chunk('IHDR', head),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** A prediction with a good image at another address, or with another query. */
function predictAt(where: string, status: number, code: string, parameters?: string[]): Case {
  return {
    title: `prediction: ${where}`,
    send: () => post(where, png, 'image/png'),
    status,
    code,
    ...(parameters && { parameters }),
  }
}

/** A multipart prediction. */
function multipartPrediction(
  title: string,
  parts: () => Part[],
  status: number,
  code: string,
  pointers: string[],
): Case {
  return {
    title: `prediction: ${title}`,
    send: () => ask(PREDICT, { method: 'POST', body: form(...parts()) }),
    status,
    code,
    pointers,
  }
}

function putAlias(
  alias: string,
  text: string,
  status: number,
  code: string,
  wrong: Partial<Case> = {},
): Case {
  return {
    title: `alias ${alias} to ${text}`,
    send: () =>
      ask(`/v1/models/stripes/aliases/${alias}`, {
        method: 'PUT',
        body: text,
        headers: { 'content-type': 'application/json' },
      }),
    status,
    code,
    ...wrong,
  }
}

const pixels = (count: number) => `[${Array(count).fill(1).join()}]`

const predictions: Case[] = [
  image('PNG of 60,000 × 60,000', hugePng(60_000, 60_000)),
  image('PNG of 0 × 0', hugePng(0, 0)),
  image('PNG of 2,000 × 2,000 with little in it', hugePng(2_000, 2_000)),
  image('SVG as image/png', SVG),
  prediction('SVG', SVG, 'image/svg+xml', 'UNSUPPORTED_MEDIA_TYPE'),
  prediction('GIF', GIF, 'image/gif', 'UNSUPPORTED_MEDIA_TYPE'),
  image('GIF as image/png', GIF),
  image('GIF as application/octet-stream', GIF, 'application/octet-stream'),
  image('WEBP behind something else', Buffer.from('AVI     WEBPVP8 '), 'image/webp'),
  image('truncated PNG', () => png.subarray(0, png.length / 2)),
  image('signature of a PNG', PNG_SIGNATURE),
  image('text as image/png', Buffer.from('a picture')),
  image('empty body', Buffer.alloc(0)),
  prediction('text', 'a picture', 'text/plain', 'UNSUPPORTED_MEDIA_TYPE'),
  {
    title: 'prediction: neither body nor content type',
    send: () => ask(PREDICT, { method: 'POST' }),
    status: 400,
    code: 'MALFORMED_REQUEST',
  },
  {
    title: 'prediction: malformed JSON',
    send: () => post(PREDICT, '{"instances": [[1,'),
    status: 400,
    code: 'MALFORMED_REQUEST',
  },
  json('JSON null', 'null', 'VALIDATION_FAILED', ''),
  json('empty object', '{}', 'VALIDATION_FAILED', ''),
  json('images and instances', '{"images": ["aa"], "instances": [[1]]}', 'VALIDATION_FAILED', ''),
  json('unknown field', '{"pixels": [1]}', 'VALIDATION_FAILED', '/pixels'),
  json('no instances', '{"instances": []}', 'VALIDATION_FAILED', '/instances'),
  json('instance that is no list', '{"instances": [1]}', 'VALIDATION_FAILED', '/instances/0'),
  json('base64 garbage', '{"images": ["!!!"]}', 'IMAGE_INVALID', '/images/0'),
  json('base64 of no image', '{"images": ["aGVsbG8="]}', 'IMAGE_INVALID', '/images/0'),
  json('base64 that is padding only', '{"images": ["===="]}', 'IMAGE_INVALID', '/images/0'),
  json(
    'the second image wrong',
    () => JSON.stringify({ images: [png.toString('base64'), 'aGVsbG8='] }),
    'IMAGE_INVALID',
    '/images/1',
  ),
  json(
    'base64 of ten million spaces',
    () => JSON.stringify({ images: [`${' '.repeat(10_000_000)}!`] }),
    'IMAGE_INVALID',
    '/images/0',
  ),
  instance('instance that is too short', pixels(35)),
  instance('instance that is too long', pixels(37)),
  instance('the second instance wrong', `${pixels(36)}, []`, '/instances/1'),
  instance('instance with text', pixels(36).replace('1', '"1"')),
  instance('instance with null', pixels(36).replace('1', 'null')),
  instance('instance with 1e999', pixels(36).replace('1', '1e999')),
  instance('instance nested too deep', `[[[[${pixels(36)}]]]]`),
  instance('instance nested 200,000 deep', nested(DEPTH)),
  predictAt(`${PREDICT}?topK=0`, 422, 'VALIDATION_FAILED', ['topK']),
  predictAt(`${PREDICT}?topk=1`, 422, 'VALIDATION_FAILED', ['topk']),
  predictAt('/v1/models/none/predict', 404, 'MODEL_NOT_FOUND'),
  predictAt('/v1/models/%00/predict', 422, 'VALIDATION_FAILED', ['name']),
  predictAt('/v1/models/stripes/versions/9/predict', 404, 'MODEL_VERSION_NOT_FOUND'),
  predictAt('/v1/models/stripes/versions/abc/predict', 422, 'VALIDATION_FAILED', ['version']),
  predictAt('/v1/models/stripes/aliases/none/predict', 404, 'ALIAS_NOT_FOUND'),
  predictAt('/v1/models/stripes/aliases/%00/predict', 404, 'ALIAS_NOT_FOUND'),
  putAlias('latest', '{"version": 1}', 422, 'VALIDATION_FAILED', { parameters: ['alias'] }),
  putAlias('7', '{"version": 1}', 422, 'VALIDATION_FAILED', { parameters: ['alias'] }),
  putAlias('production', '{"version": 9}', 404, 'MODEL_VERSION_NOT_FOUND'),
  putAlias('production', '{"version": "1"}', 422, 'VALIDATION_FAILED', { pointers: ['/version'] }),
  multipartPrediction('multipart without a file', () => [], 422, 'VALIDATION_FAILED', ['/image']),
  multipartPrediction('multipart with text', () => [['image', 'a']], 422, 'VALIDATION_FAILED', ['/image']),
  multipartPrediction('multipart, other part', () => [['file', png]], 422, 'VALIDATION_FAILED', ['/file']),
  multipartPrediction(
    'multipart, the second image wrong',
    () => [
      ['image', png],
      ['image', GIF],
    ],
    422,
    'IMAGE_INVALID',
    ['/image/1'],
  ),
  multipartPrediction(
    'multipart of too many bytes together',
    () => Array(3).fill(['image', Buffer.alloc(12_000_000)]),
    413,
    'PAYLOAD_TOO_LARGE',
    [],
  ),
]

// ——— the service under them

/** Sends what `fetch` would not: the address as it is, and headers without the key. */
function send(options: http.RequestOptions): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = http.request(service.url, { ...options, timeout: ANSWER_MS, agent: false }, answer => {
      const pieces: Buffer[] = []
      answer.on('data', (piece: Buffer) => pieces.push(piece))
      answer.once('end', () => {
        const headers = Object.entries(answer.headers).map(([key, value]): [string, string] => [
          key,
          `${value}`,
        ])
        resolve(new Response(Buffer.concat(pieces).toString(), { status: answer.statusCode ?? 0, headers }))
      })
    })
    request.once('timeout', () => request.destroy(new Error('no answer')))
    request.once('error', reject).end()
  })
}

async function expectGoodAnswer(): Promise<void> {
  const answer = await ask('/v1/datasets?limit=1')
  expect(answer.status).toBe(200)
  expect(((await answer.json()) as Json).data).toHaveLength(1)
}

function drafts(): Promise<string[]> {
  return readdir(path.join(service.dataDir, 'drafts')).catch(() => [])
}

/** The lines of the API's log. */
function logLines(): Json[] {
  const lines = service.api.output().split('\n').slice(0, -1)
  return lines.map(line => JSON.parse(line) as Json)
}

describe('wrong input is refused with a problem document, and the service goes on', () => {
  it.each([...jobs, ...addresses, ...uploads, ...predictions])('$title', async expected => {
    const answer = await expected.send()
    statuses.push(answer.status)
    const text = await answer.text()
    expect(answer.headers.get('content-type'), text).toMatch(/^application\/problem\+json\b/)
    const problem = JSON.parse(text) as Json
    expect(problem).toMatchObject({ status: expected.status, code: expected.code })
    expect(answer.status).toBe(expected.status)
    expect(problem.requestId).toMatch(/^[0-9a-f-]{36}$/)
    expect(answer.headers.get('x-request-id')).toBe(problem.requestId)
    expect(problem.detail).not.toBe('')
    const { pointers, parameters } = expected
    const wrong = problem.errors as { pointer?: string; parameter?: string; detail: string }[]
    if (pointers) expect(wrong.map(({ pointer }) => pointer).sort()).toEqual(pointers)
    if (parameters) expect(wrong.map(({ parameter }) => parameter)).toEqual(parameters)
    for (const { detail } of wrong) expect(detail).not.toBe('')
    expect(text.length).toBeLessThan(100_000)
    await expectGoodAnswer()
  })

  it.each([
    ['/v1/datasets', `multipart/form-data; boundary=${BOUNDARY}`, multipartText([name, images, labels]), 800],
    [
      '/v1/datasets',
      `multipart/form-data; boundary=${BOUNDARY}`,
      multipartText([name, ['trainImages', zipped]]),
      400,
    ],
    ['/v1/datasets', `multipart/form-data; boundary=${BOUNDARY}`, multipartText([name, images]), 40],
    ['/v1/jobs', 'application/json', Buffer.from('{"name": "a"}'), 5],
    ['/v1/models/stripes/predict', 'image/png', hugePng(6, 6), 20],
  ])('a connection closed midway: %s, %s', async (where, type, bytes, sent) => {
    const logged = logLines().length
    const request = http.request(`${service.url}${where}`, {
      method: 'POST',
      agent: false,
      headers: {
        authorization: `Bearer ${TEST_KEY}`,
        'content-type': type,
        'content-length': bytes.length,
      },
    })
    request.on('error', () => {}) // it is this side that hangs up
    request.write(bytes.subarray(0, sent))
    await until(() => logLines().length > logged, { what: 'the log of the request' })
    request.destroy()
    await until(
      () =>
        logLines()
          .slice(logged)
          .some(({ msg }) => /aborted|completed|refused/.test(msg)),
      { what: 'the end of the request' },
    )
    await until(async () => (await drafts()).length === 0, { what: 'an empty drafts folder' })
    await expectGoodAnswer()
  })

  it('nothing failed, nothing was left behind, no key was logged', async () => {
    expect(statuses.filter(status => status >= 500)).toEqual([])
    expect(logLines().filter(({ level, res }) => level >= 50 || res?.statusCode >= 500)).toEqual([])
    expect(service.api.child).toMatchObject({ pid: service.api.pid, exitCode: null, signalCode: null })
    process.kill(service.api.pid, 0)
    expect(await drafts()).toEqual([])
    expect(service.api.output()).not.toContain(TEST_KEY)
  })
})
