import { beforeAll, describe, expect, it } from 'vitest'
import { hasPythonPackages } from '../helpers/python-packages.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, TEST_KEY, type TestService } from '../helpers/service.ts'
import { housesCsv, trainTable } from '../helpers/trained-houses.ts'
import { GOOD, trainVersion } from '../helpers/trained-model.ts'
import { askByClient, predictImages, predictOwn, UNITS } from '../helpers/triton-client.ts'
import { until } from '../helpers/until.ts'

const release = releaseAfterFile()

const rows = [
  { area: 100, age: 10, city: 'Oslo', garden: true, sold: '2020-05-01' },
  { area: 50, age: null, city: 'nowhere', garden: false, sold: '2020-06-01' },
]

describe.skipIf(!hasPythonPackages('triton-client'))("NVIDIA's client over gRPC", () => {
  let service: TestService
  /** What it made of the answers, by ask_grpc.py. */
  let answers: Json
  let labels: string[]
  let probabilities: number[]
  let prices: number[]

  beforeAll(async () => {
    service = await startTestService({ release, environment: { TRAINYARD_GRPC_PORT: '0' } })
    await service.startWorker()
    await trainVersion(service, await service.uploadStripes(), GOOD)
    await trainTable(service, 'houses', housesCsv(120), 'price')
    ;({ labels, probabilities } = await predictImages(service))
    prices = (await predictOwn(service, 'houses', { rows })).map(({ values }) => values[0])
    const port = await until(() => /"grpcPort":(\d+)/.exec(service.api.output())?.[1], { what: 'gRPC' })
    answers = await askByClient('ask_grpc.py', `127.0.0.1:${port}`, rows)
  })

  const close = (numbers: readonly number[], digits: number) =>
    numbers.map(number => expect.closeTo(number, digits))

  const predicted = (more: object = {}) => ({
    probabilities: { dtype: 'float32', shape: [3, 3], values: close(probabilities, 6) },
    label: { dtype: 'object', shape: [3], values: labels },
    id: '',
    version: '1',
    ...more,
  })

  it('finds the service alive, ready, and described', () => {
    const metadata = {
      name: 'stripes',
      versions: ['1'],
      platform: 'trainyard_mlp',
      inputs: [{ name: 'input', datatype: 'FP32', shape: ['-1', String(UNITS)] }],
      outputs: [
        { name: 'probabilities', datatype: 'FP32', shape: ['-1', '3'] },
        { name: 'label', datatype: 'BYTES', shape: ['-1'] },
      ],
    }
    expect(answers.server).toMatchObject({
      live: true,
      ready: true,
      server: { name: 'trainyard' },
      readyModels: [true, true, true],
      noReadyModels: [false, false, false, false],
      stripes: metadata,
      'stripes 1': metadata,
      houses: { inputs: [{ name: 'area' }, { name: 'age' }, { name: 'city' }, { name: 'garden' }, {}] },
    })
  })

  it('gets for images, in each datatype and form, what our own route says', () => {
    const { 'version 1': named, ...others } = answers.images
    expect(Object.keys(others).length).toBeGreaterThan(14)
    for (const form of Object.keys(others)) expect(others[form], form).toEqual(predicted())
    expect(named).toEqual(predicted({ id: 'question 7' }))
  })

  it('gets lists where it sends lists', () => {
    expect(Object.keys(answers.lists)).toHaveLength(6)
    for (const [datatype, answer] of Object.entries(answers.lists)) {
      const expected = {
        probabilities: close(probabilities, 6),
        label: labels,
        shapes: [[3, 3], [3]],
      }
      expect(answer, datatype).toEqual(expected)
    }
  })

  it('gets the classes of an output with probability, index and label', () => {
    expect(answers.classes).toMatchObject({ dtype: 'object', shape: [3, 2] })
    const best = answers.classes.values.filter((_: string, index: number) => index % 2 === 0)
    expect(best.map((text: string) => text.split(':').slice(1))).toEqual(labels.map(label => [label, label]))
  })

  it('gets for the columns of a table what our own route says, a missing number as NaN', () => {
    expect(answers.table.values).toEqual({ dtype: 'float32', shape: [2, 1], values: close(prices, 3) })
  })

  it('loads and unloads models, and sees so in the index', () => {
    expect(answers.repository).toEqual({
      unloaded: { 'houses 1': 'READY', 'stripes 1': 'UNAVAILABLE' },
      loaded: { 'houses 1': 'READY', 'stripes 1': 'READY' },
    })
  })

  it.each([
    ['no key', 'UNAUTHENTICATED', 'authorization: Bearer'],
    ['another key', 'UNAUTHENTICATED', 'authorization: Bearer'],
    ['no key to infer', 'UNAUTHENTICATED', 'authorization: Bearer'],
    ['no model', 'NOT_FOUND', 'nothing'],
    ['no version', 'NOT_FOUND', '7'],
    ['no alias', 'NOT_FOUND', 'nowhere'],
    ['metadata of no model', 'NOT_FOUND', 'nothing'],
    ['load of no model', 'NOT_FOUND', 'nothing'],
    ['load with files', 'INVALID_ARGUMENT', 'files and configurations cannot be given'],
    ['a shape of another model', 'INVALID_ARGUMENT', 'received [3, 7]'],
    ['another datatype', 'INVALID_ARGUMENT', 'received FP16'],
    ['another name', 'INVALID_ARGUMENT', 'received x'],
    ['another output', 'INVALID_ARGUMENT', 'received logits'],
    ['no image', 'INVALID_ARGUMENT', 'PNG, JPEG or WebP'],
    ['shared memory', 'INVALID_ARGUMENT', 'shared memory is not there'],
    ['a missing column', 'INVALID_ARGUMENT', 'missing are area'],
    ['no time', 'DEADLINE_EXCEEDED', 'must be ready within the time that the request allows'],
    ['statistics', 'UNIMPLEMENTED', 'not implement'],
  ])('is told what is wrong with a call: %s', (name, status, message) => {
    expect(answers.refusals[name]).toEqual({
      status: `StatusCode.${status}`,
      message: expect.stringContaining(message),
    })
  })

  it('its calls are counted and logged by method, with the id of the key and not the key', async () => {
    const metrics = await (await service.request('/metrics')).text()
    expect(metrics).toMatch(
      /request_duration_seconds_count\{method="GRPC",route="\/inference\.GRPCInferenceService\/ModelInfer",status="200"\} \d+/,
    )
    const line = await until(
      () => /^.*"method":"\/inference[^\n]*ModelInfer".*$/m.exec(service.api.output())?.[0],
      {
        what: 'a line in the log',
      },
    )
    expect(JSON.parse(line)).toMatchObject({ grpc: { code: 0 }, keyId: expect.stringMatching(/^key_/) })
    expect(service.api.output()).not.toContain(TEST_KEY)
  })

  it('a process with an open port for it ends in good order', async () => {
    const api = await service.startOtherApi({ TRAINYARD_GRPC_PORT: '0' })
    expect(await api.end('SIGTERM')).toEqual({ code: 0, signal: null })
  })
})
