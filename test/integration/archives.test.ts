import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { encode } from 'fast-png'
import { beforeAll, expect, it } from 'vitest'
import { createRandom } from '../../src/mlp/random.ts'
import { npyFile, npzFile } from '../helpers/npy.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { zipFile } from '../helpers/zip.ts'

const SIDE = 6
const CLASSES = ['bottom', 'middle', 'top']
const release = releaseAfterFile()
let service: TestService

beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker()
})

/** A picture of dark noise with two bright rows, from above in the order of the classes. */
function picture(label: number, seed: number): Buffer {
  const random = createRandom(seed, 'picture')
  const data = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, at) => {
    const isBright = Math.floor(at / 3 / SIDE / 2) === 2 - label
    return (isBright ? 155 : 0) + random.integer(100)
  })
  return Buffer.from(encode({ width: SIDE, height: SIDE, channels: 3, depth: 8, data }))
}

function upload(parts: Record<string, string | Buffer>, query = '') {
  const form = new FormData()
  for (const [name, value] of Object.entries(parts)) {
    form.set(
      name,
      typeof value === 'string' ? value : new Blob([new Uint8Array(value)]),
      ...(typeof value === 'string' ? [] : [name]),
    )
  }
  return service.request(`/v1/datasets${query}`, { method: 'POST', body: form })
}

const archive = zipFile(
  ['train', 'test'].flatMap(split =>
    CLASSES.flatMap((label, index) =>
      Array.from({ length: split === 'train' ? 30 : 5 }, (_, image) => ({
        name: `pictures/${split}/${label}/${image}.png`,
        content: picture(index, image + (split === 'train' ? 0 : 100)),
        isDeflated: true,
      })),
    ),
  ),
)

async function drafts(): Promise<string[]> {
  const found = await readdir(service.dataDir, { recursive: true })
  return found.filter(name => path.basename(path.dirname(name)) === 'drafts')
}

it('a ZIP of pictures is looked at, uploaded, learnt from, and asked about another picture', async () => {
  const preview = await upload({ name: 'pictures', file: archive }, '?dryRun=true')
  expect(preview.status).toBe(200)
  const looked = (await preview.json()) as Json
  expect(looked).toMatchObject({ format: 'zip', shape: [SIDE, SIDE, 3], classes: CLASSES })

  const uploaded = await upload({ name: 'pictures', file: archive })
  expect(uploaded.status).toBe(201)
  const dataset = (await uploaded.json()) as Json
  expect(dataset.splits).toMatchObject({ train: { examples: 90 }, test: { examples: 15 } })
  const image = await service.request(`/v1/datasets/${dataset.id}/examples/0/image.png?split=train`)
  expect(image.headers.get('content-type')).toBe('image/png')

  const training = { epochs: 15, batchSize: 10, seed: 1, optimizer: { type: 'adam', learningRate: 0.01 } }
  const preprocessing = { image: { fit: 'contain' } }
  const job = await service.submit(dataset.id, { name: 'pictures', training, preprocessing })
  const ended = await service.untilJob(job, ({ finishedAt }) => finishedAt !== null)
  expect(ended).toMatchObject({ status: 'succeeded', metrics: { last: { valAccuracy: 1 } } })
  const answer = await service.json('/v1/models/pictures/predict', {
    method: 'POST',
    body: new Uint8Array(picture(2, 999)),
    headers: { 'content-type': 'image/png' },
  })
  expect(answer.predictions[0].label).toBe('top')

  const white = encode({ width: 20, height: 10, channels: 1, depth: 8, data: new Uint8Array(200).fill(255) })
  const wide = await service.json('/v1/models/pictures/predict?includeInput=true', {
    method: 'POST',
    body: new Uint8Array(white),
    headers: { 'content-type': 'image/png' },
  })
  const { values } = wide.predictions[0].input
  expect([values.at(0), values[3 * SIDE * 3], values.at(-1)], 'whole, with black margins').toEqual([
    0, 255, 0,
  ])
})

it('arrays with names are a table, and learnt', async () => {
  const random = createRandom(1, 'rows')
  const items = Array.from({ length: 180 }, () => random.uniform())
  const y = Array.from({ length: 60 }, (_, row) => 2 * (items[3 * row] ?? 0) - (items[3 * row + 2] ?? 0))
  const file = npzFile({
    x_train: { descr: '<f8', shape: [60, 3], items },
    y_train: { descr: '<f4', shape: [60], items: y },
    feature_names: { descr: '<U5', shape: [3], items: ['width', 'noise', 'depth'] },
  })
  const dataset = (await (await upload({ name: 'numbers', file })).json()) as Json
  expect(dataset).toMatchObject({ kind: 'table', task: 'regression', columns: [{ name: 'width' }, {}, {}] })
  const job = await service.submit(dataset.id, {
    name: 'numbers',
    network: { layers: [{ type: 'dense', units: 1, activation: 'linear' }] },
    training: { epochs: 60, batchSize: 10, seed: 1, optimizer: { type: 'adam', learningRate: 0.1 } },
  })
  const ended = await service.untilJob(job, ({ finishedAt }) => finishedAt !== null)
  expect(ended.status).toBe('succeeded')
  expect(ended.metrics.last.loss).toBeLessThan(0.01)
})

it.each([
  ['cut off', { file: archive.subarray(0, 4_096) }, '/file', 422],
  [
    'with a picture that is none',
    {
      file: zipFile([
        { name: 'a/1.png', content: Buffer.from('no') },
        { name: 'b/2.png', content: picture(1, 1) },
      ]),
    },
    '/file',
    422,
  ],
  [
    'arrays of different length',
    {
      trainX: npyFile({ descr: '<f4', shape: [2], items: [1, 2] }),
      trainY: npyFile({ descr: '|u1', shape: [1], items: [1] }),
    },
    '/trainY',
    422,
  ],
])('an upload is refused by part, and leaves nothing: %s', async (_, files, pointer, status) => {
  const refused = await upload({ name: 'bad', ...files })
  expect(refused.status).toBe(status)
  expect(await refused.json()).toMatchObject({ code: 'DATASET_INVALID', errors: [{ pointer }] })
  expect(await drafts()).toEqual([])
})
