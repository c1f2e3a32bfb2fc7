import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { stripes } from '../helpers/idx.ts'
import { hasPythonPackages, installPythonPackages } from '../helpers/python-packages.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, TEST_KEY, type TestService } from '../helpers/service.ts'
import { housesCsv, trainTable } from '../helpers/trained-houses.ts'
import { GOOD, trainVersion } from '../helpers/trained-model.ts'

const SCRIPT = fileURLToPath(new URL('../triton-client/ask.py', import.meta.url))
const UNITS = 36
const release = releaseAfterFile()

/** The first three test images, a row of 36 pixels each. */
const images = [0, 1, 2].map(place => [
  ...stripes(30, 3, 6, 2).images.subarray(16 + place * UNITS, 16 + (place + 1) * UNITS),
])
const rows = [
  { area: 100, age: 10, city: 'Oslo', garden: true, sold: '2020-05-01' },
  { area: 50, age: null, city: 'nowhere', garden: false, sold: '2020-06-01' },
  { area: 71.5, age: 3, city: 'Bern', garden: false, sold: '2020-11-30' },
]

describe.skipIf(!hasPythonPackages('triton-client'))("NVIDIA's client, tritonclient of PyPI,", () => {
  let service: TestService
  /** What it made of the answers, by ask.py. */
  let answers: Json
  /** What our own route says. */
  let labels: string[]
  let probabilities: number[]

  beforeAll(async () => {
    service = await startTestService({ release })
    await service.startWorker()
    await trainVersion(service, await service.uploadStripes(), GOOD)
    await trainTable(service, 'houses', housesCsv(120), 'price')
    const { predictions } = await predictOwn('stripes', { instances: images })
    labels = predictions.map(({ label }: Json) => label)
    probabilities = predictions.flatMap(({ top }: Json) =>
      ['0', '1', '2'].map(label => top.find((one: Json) => one.label === label).probability),
    )
    answers = await askByClient()
  })

  const predictOwn = (name: string, body: object) =>
    service.json(`/v1/models/${name}/predict`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })

  async function askByClient(): Promise<Json> {
    const files = await Promise.all(
      images.map(image =>
        sharp(Buffer.from(image), { raw: { width: 6, height: 6, channels: 1 } })
          .png()
          .toBuffer(),
      ),
    )
    const question = {
      address: new URL(service.url).host,
      key: TEST_KEY,
      images,
      files: files.map(file => file.toString('base64')),
      rows,
    }
    const asking = promisify(execFile)('python3', [SCRIPT], {
      env: { ...process.env, PYTHONPATH: installPythonPackages('triton-client') },
      maxBuffer: 16 * 1024 ** 2,
      timeout: 50_000,
      killSignal: 'SIGKILL',
    })
    asking.child.stdin?.end(JSON.stringify(question))
    return JSON.parse((await asking).stdout)
  }

  /** What every form of the images must come to. */
  const predicted = (more: object = {}) => ({
    probabilities: {
      dtype: 'float32',
      shape: [3, 3],
      values: probabilities.map(number => expect.closeTo(number, 6)),
    },
    label: { dtype: 'object', shape: [3], values: labels },
    id: null,
    version: '1',
    ...more,
  })

  it('finds the service alive, ready, and described', () => {
    const stripesMetadata = {
      name: 'stripes',
      versions: ['1'],
      platform: 'trainyard_mlp',
      inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, UNITS] }],
      outputs: [
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 3] },
        { name: 'label', datatype: 'BYTES', shape: [-1] },
      ],
    }
    expect(answers.server).toMatchObject({
      live: true,
      ready: true,
      server: { name: 'trainyard' },
      readyModels: [true, true],
      noReadyModels: [false, false],
      stripes: stripesMetadata,
      'stripes 1': stripesMetadata,
      houses: { inputs: [{ name: 'area' }, { name: 'age' }, { name: 'city' }, { name: 'garden' }, {}] },
    })
  })

  it('gets for images, in each datatype, binary and as JSON, what our own route says', () => {
    const { binary, JSON: asJson } = answers.images
    expect(Object.keys(binary).length).toBeGreaterThan(5)
    for (const form of Object.keys(binary)) expect(binary[form], form).toEqual(predicted())
    for (const form of Object.keys(binary)) expect(asJson[form], `${form} as JSON`).toEqual(predicted())
  })

  it.each([
    'PNG',
    'PNG of one column',
    'gzip',
    'deflate',
    'gzip back',
    'with parameters',
    'in the background',
  ])('gets the same for images by %s', form => {
    expect(answers.images[form]).toEqual(predicted())
  })

  it('gets its id back, and the version that it names', () => {
    expect(answers.images['version 1']).toEqual(predicted({ id: 'question 7' }))
  })

  it('gets the classes of an output with probability, index and label', () => {
    const { binary, JSON: asJson, all } = answers.classes
    expect(binary).toMatchObject({ dtype: 'object', shape: [3, 2] })
    expect(asJson).toEqual(binary)
    expect(all.shape).toEqual([3, 3])
    const best = binary.values.filter((_: string, index: number) => index % 2 === 0)
    expect(best.map((text: string) => text.split(':').slice(1))).toEqual(labels.map(label => [label, label]))
    const largest = [0, 1, 2].map(row => Math.max(...probabilities.slice(row * 3, row * 3 + 3)))
    expect(best.map((text: string) => Number(text.split(':')[0]))).toEqual(
      largest.map(number => expect.closeTo(number, 6)),
    )
  })

  it('gets for the columns of a table, FP64, BOOL and BYTES, what our own route says', async () => {
    const { predictions } = await predictOwn('houses', { rows })
    const prices = predictions.map(({ values }: Json) => expect.closeTo(values[0], 3))
    const { binary, JSON: asJson } = answers.table
    const values = (expected: unknown[]) => ({
      dtype: 'float32',
      shape: [expected.length, 1],
      values: expected,
    })
    expect(binary.values).toEqual(values(prices))
    expect(asJson.values).toEqual(values([prices[0], prices[2]]))
  })

  it('loads and unloads models, and sees so in the index', () => {
    expect(answers.repository).toEqual({
      unloaded: { 'houses 1': 'READY', 'stripes 1': 'UNAVAILABLE' },
      loaded: { 'houses 1': 'READY', 'stripes 1': 'READY' },
      'unloaded with dependents': { 'houses 1': 'READY', 'stripes 1': 'UNAVAILABLE' },
      used: { 'houses 1': 'READY', 'stripes 1': 'READY' },
    })
  })

  it('asks asynchronously, many at once', () => {
    expect(answers.asynchronous).toEqual({
      ready: true,
      answers: Array.from({ length: 8 }, () => predicted()),
    })
  })

  it('is not hurried by a timeout of 0, which stands for none', () => {
    expect(answers.refusals['time without a limit']).toBeNull()
  })

  it.each([
    ['no key', '401', 'Authorization: Bearer'],
    ['no key to infer', '401', 'Authorization: Bearer'],
    ['no model', '404', 'nothing'],
    ['no version', '404', '7'],
    ['metadata of no model', '404', 'nothing'],
    ['load of no model', '404', 'nothing'],
    ['load with files', '400', 'files and configurations cannot be given'],
    ['unload of no model', '404', 'nothing'],
    ['a shape of another model', '400', 'received [3, 7]'],
    ['no images', '400', 'count 1 to 10000; received [0, 36]'],
    ['another datatype', '400', 'received FP16'],
    ['another name', '400', 'received x'],
    ['another output', '400', 'received logits'],
    ['no image', '400', 'PNG, JPEG or WebP'],
    ['shared memory', '400', 'shared memory is not there'],
    ['a missing column', '400', 'missing are area'],
    ['no time', '504', 'must be ready within the time that the request allows'],
    ['the configuration', '404', '/v2/models/stripes/config'],
    ['statistics', '404', '/v2/models/stripes/stats'],
    ['regions of shared memory', '404', '/v2/systemsharedmemory/status'],
  ])('is told what is wrong with a request: %s', (name, status, message) => {
    expect(answers.refusals[name]).toEqual({ status, message: expect.stringContaining(message) })
  })
})
