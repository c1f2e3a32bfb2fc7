import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import pg from 'pg'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import yauzl from 'yauzl'
import { EXPORT_FORMATS } from '../../src/models/exports/format-names.ts'
import { CHROMIUM, dumpPage } from '../helpers/chromium.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { GOOD, trainVersion } from '../helpers/trained-model.ts'

const release = releaseAfterFile()
let service: TestService
let datasetId: string

beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker()
  datasetId = await service.uploadStripes()
  await trainVersion(service, datasetId, GOOD)
})

const download = (format: string) =>
  service.request(`/v1/models/stripes/versions/1/artifact?format=${format}`)

/** The files of a ZIP, by their names. */
async function unzip(zip: Buffer): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {}
  const archive = await yauzl.fromBufferPromise(zip, {})
  for await (const entry of archive.eachEntry()) {
    files[entry.fileName] = await buffer(await archive.openReadStreamPromise(entry, {}))
  }
  return files
}

/** A web server that is not the service's. @returns the address of its page */
async function serve(files: Record<string, Buffer>): Promise<string> {
  const types: Record<string, string> = { html: 'text/html', js: 'text/javascript', json: 'application/json' }
  const server = createServer(({ url = '/' }, response) => {
    const name = url === '/' ? 'index.html' : url.slice(1)
    const content = files[name]
    response.writeHead(content ? 200 : 404, { 'content-type': types[name.split('.').at(-1) ?? ''] ?? '' })
    response.end(content)
  })
  onTestFinished(() => new Promise<void>(resolve => void server.close(() => resolve())))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

async function createFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-browser-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A vertical edge of an image of 6 × 6. */
const PIXELS = Array.from({ length: 36 }, (_, index) => (index % 6 < 3 ? 200 : 20))

/** TensorFlow.js for browsers, whole. */
const TFJS = createRequire(import.meta.url).resolve('@tensorflow/tfjs/dist/tf.min.js')

/** Draws the edge on a canvas, and asks the model for it. */
const PAGE = `<!doctype html><canvas id="canvas" width="6" height="6"></canvas><p id="answer"></p>
<script src="tf.min.js"></script><script>
const pen = document.querySelector('#canvas').getContext('2d')
pen.fillStyle = 'rgb(200, 200, 200)'
pen.fillRect(0, 0, 3, 6)
pen.fillStyle = 'rgb(20, 20, 20)'
pen.fillRect(3, 0, 3, 6)
const answer = async () => {
  await tf.setBackend('cpu')
  const model = await tf.loadLayersModel('model.json')
  const pixels = tf.browser.fromPixels(document.querySelector('#canvas'), 1)
  const probabilities = await model.predict(pixels.expandDims()).data()
  document.querySelector('#answer').textContent = JSON.stringify([...probabilities])
}
answer()
</script>`

const ARCHIVES: [format: string, filename: string, files: string[]][] = [
  ['tfjs', 'stripes-1.zip', ['model.json', 'weights.bin', 'manifest.json', 'README.md']],
  ['tfjs-graph', 'stripes-1-tfjs-graph.zip', ['model.json', 'weights.bin', 'manifest.json', 'README.md']],
  [
    'keras',
    'stripes-1.keras',
    ['metadata.json', 'config.json', 'model.weights.h5', 'manifest.json', 'README.md'],
  ],
  ['savedmodel', 'stripes-1-savedmodel.zip', ['saved_model.pb', 'manifest.json', 'README.md']],
  [
    'npz',
    'stripes-1.npz',
    [
      ...['dense_1/kernel.npy', 'dense_1/bias.npy', 'dense_2/kernel.npy', 'dense_2/bias.npy'],
      ...['manifest.json', 'README.md'],
    ],
  ],
]

describe('a version is downloaded', () => {
  it.each(ARCHIVES)('as %s: an archive of its files', async (format, filename, files) => {
    const response = await download(format)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/zip'])
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename*=UTF-8''${filename}`)
    const archive = Buffer.from(await response.arrayBuffer())
    const entries = Object.entries(await unzip(archive))
    expect(entries.map(([name]) => name)).toEqual(files)
    expect(Math.min(...entries.map(([, { length }]) => length))).toBeGreaterThan(0)
    const again = Buffer.from(await (await download(format)).arrayBuffer())
    expect(again.equals(archive) || format === 'keras', 'the same each time').toBe(true)
  })

  it('as onnx: a file that answers in onnxruntime as the service does', async () => {
    const response = await download('onnx')
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename*=UTF-8''stripes-1.onnx`)
    const session = await InferenceSession.create(new Uint8Array(await response.arrayBuffer()))
    const answers = await session.run({ input: new Tensor(Uint8Array.from(PIXELS), [1, 6, 6, 1]) })
    const { predictions } = await service.json('/v1/models/stripes/versions/1/predict', {
      method: 'POST',
      body: JSON.stringify({ instances: [PIXELS] }),
      headers: { 'content-type': 'application/json' },
    })
    const [{ top, label }] = predictions
    const { classes } = await service.json('/v1/models/stripes/versions/1')
    const theirs = Array.from(answers.probabilities?.data as Float32Array)
    for (const one of top) expect(theirs[classes.indexOf(one.label)]).toBeCloseTo(one.probability, 5)
    expect(classes[theirs.indexOf(Math.max(...theirs))]).toBe(label)
  })

  it('as html: a page', async () => {
    const response = await download('html')
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename*=UTF-8''stripes-1.html`)
    expect(await response.text()).toMatch(/^<!doctype html>[\s\S]*<title>stripes, version 1<\/title>/)
  })

  it.skipIf(!CHROMIUM)(
    'as tfjs: a page of another web server loads it, and classifies what is on its canvas (needs Chromium)',
    async () => {
      const files = await unzip(Buffer.from(await (await download('tfjs')).arrayBuffer()))
      const url = await serve({
        ...files,
        'tf.min.js': await readFile(TFJS),
        'index.html': Buffer.from(PAGE),
      })
      const page = await dumpPage(url, await createFolder())
      const [, answer = ''] = /<p id="answer">([^<]+)</.exec(page) ?? []
      const { predictions } = await service.json('/v1/models/stripes/versions/1/predict', {
        method: 'POST',
        body: JSON.stringify({ instances: [PIXELS] }),
        headers: { 'content-type': 'application/json' },
      })
      const { classes } = await service.json('/v1/models/stripes/versions/1')
      const theirs: number[] = JSON.parse(answer)
      expect(theirs).toHaveLength(classes.length)
      for (const { label, probability } of predictions[0].top) {
        expect(theirs[classes.indexOf(label)]).toBeCloseTo(probability, 5)
      }
    },
  )

  it('as nothing else: 422 names the formats', async () => {
    const response = await download('pickle')
    const { code, errors } = (await response.json()) as Json
    expect([response.status, code]).toEqual([422, 'VALIDATION_FAILED'])
    expect(errors).toEqual([{ parameter: 'format', detail: `must be one of ${EXPORT_FORMATS.join(', ')}` }])
  })

  it('of a large network in a thread of its own, with the same answers', async () => {
    const id = await service.submit(datasetId, {
      name: 'large',
      network: {
        layers: [
          { type: 'dense', units: 1000, activation: 'relu' },
          { type: 'dense', units: 600, activation: 'relu' },
          { type: 'dense', units: 3, activation: 'softmax' },
        ],
      },
      training: { epochs: 1, batchSize: 90, seed: 1 },
    })
    await service.untilJob(id, ({ status }) => status === 'succeeded')
    const where = '/v1/models/large/versions/1'
    const file = await (await service.request(`${where}/artifact?format=onnx`)).arrayBuffer()
    const page = await (await service.request(`${where}/artifact?format=html`)).text()
    expect(page).toContain('<title>large, version 1</title>')
    const session = await InferenceSession.create(new Uint8Array(file))
    const answers = await session.run({ input: new Tensor(Uint8Array.from(PIXELS), [1, 6, 6, 1]) })
    const { predictions } = await service.json(`${where}/predict`, {
      method: 'POST',
      body: JSON.stringify({ instances: [PIXELS] }),
      headers: { 'content-type': 'application/json' },
    })
    const { classes } = await service.json(where)
    for (const { label, probability } of predictions[0].top) {
      expect(Number(answers.probabilities?.data[classes.indexOf(label)])).toBeCloseTo(probability, 5)
    }
  })

  it('never from damaged files, in any format', async () => {
    const client = new pg.Client({ connectionString: service.databaseUrl })
    await client.connect()
    const { rows } = await client.query("SELECT files FROM model_versions WHERE model_name = 'stripes'")
    await client.end()
    const sha256: string = rows[0].files['weights.bin']
    const place = path.join(service.dataDir, 'blobs', sha256.slice(0, 2), sha256)
    const content = await readFile(place)
    await writeFile(place, Buffer.from(content).fill(1, 8, 9))
    for (const format of EXPORT_FORMATS) {
      const response = await download(format)
      expect([format, response.status, ((await response.json()) as Json).code]).toEqual([
        format,
        503,
        'MODEL_DAMAGED',
      ])
    }
    await writeFile(place, content)
    expect((await download('onnx')).status).toBe(200)
  })
})
