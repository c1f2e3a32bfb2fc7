import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import yauzl from 'yauzl'
import { EXPORT_FORMATS } from '../../src/models/exports/format-names.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { GOOD, trainVersion } from '../helpers/trained-model.ts'

const release = releaseAfterFile()
let service: TestService

beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker()
  await trainVersion(service, await service.uploadStripes(), GOOD)
})

const download = (format: string) =>
  service.request(`/v1/models/stripes/versions/1/artifact?format=${format}`)

/** Names of the files of a ZIP, and their sizes. */
async function entriesOf(zip: Buffer): Promise<Record<string, number>> {
  const entries: Record<string, number> = {}
  const file = await yauzl.fromBufferPromise(zip, {})
  for await (const { fileName, uncompressedSize } of file.eachEntry()) entries[fileName] = uncompressedSize
  return entries
}

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
    const entries = await entriesOf(archive)
    expect(Object.keys(entries)).toEqual(files)
    expect(Math.min(...Object.values(entries))).toBeGreaterThan(0)
    const again = Buffer.from(await (await download(format)).arrayBuffer())
    expect(again.equals(archive) || format === 'keras', 'the same each time').toBe(true)
  })

  it('as onnx: a file that answers in onnxruntime as the service does', async () => {
    const response = await download('onnx')
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename*=UTF-8''stripes-1.onnx`)
    const session = await InferenceSession.create(new Uint8Array(await response.arrayBuffer()))
    const pixels = Array.from({ length: 36 }, (_, index) => (index % 6 < 3 ? 200 : 20))
    const answers = await session.run({ input: new Tensor(Uint8Array.from(pixels), [1, 6, 6, 1]) })
    const { predictions } = await service.json('/v1/models/stripes/versions/1/predict', {
      method: 'POST',
      body: JSON.stringify({ instances: [pixels] }),
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
    expect(await response.text()).toMatch(/^<!doctype html>[\s\S]*<title>stripes 1<\/title>/)
  })

  it('as nothing else: 422 names the formats', async () => {
    const response = await download('pickle')
    const { code, errors } = (await response.json()) as Json
    expect([response.status, code]).toEqual([422, 'VALIDATION_FAILED'])
    expect(errors).toEqual([{ parameter: 'format', detail: `must be one of ${EXPORT_FORMATS.join(', ')}` }])
  })

  it('never from damaged files, in any format', async () => {
    const client = new pg.Client({ connectionString: service.databaseUrl })
    await client.connect()
    const { rows } = await client.query('SELECT files FROM model_versions')
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
