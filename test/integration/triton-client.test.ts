import { beforeAll, describe, expect, it } from 'vitest'
import { hasPythonPackages } from '../helpers/python-packages.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { housesCsv, trainTable } from '../helpers/trained-houses.ts'
import { GOOD, trainVersion } from '../helpers/trained-model.ts'
import { askByClient, predictImages, predictOwn, UNITS } from '../helpers/triton-client.ts'

const release = releaseAfterFile()

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
    ;({ labels, probabilities } = await predictImages(service))
    answers = await askByClient('ask.py', new URL(service.url).host, rows)
  })

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
    const predictions = await predictOwn(service, 'houses', { rows })
    const prices = predictions.map(({ values }) => expect.closeTo(values[0], 3))
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
