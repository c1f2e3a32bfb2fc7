import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { stripes } from '../helpers/idx.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { GOOD, send, trainVersion } from '../helpers/trained-model.ts'

const release = releaseAfterFile()
let service: TestService
let datasetId: string

beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker()
  datasetId = await service.uploadStripes()
  await trainVersion(service, datasetId, GOOD)
})

const ask = (method: string, where: string, body?: object) => send(service, method, where, body)
const fixture = (name: string) => readFile(new URL(`../reference/imports/${name}`, import.meta.url))

/** Posts an import, and gives status, body and headers of the answer. */
async function post(name: string, files: Record<string, Uint8Array>, options?: object, headers = {}) {
  const form = new FormData()
  if (options) form.set('options', JSON.stringify(options))
  for (const [part, content] of Object.entries(files))
    form.set(part, new Blob([new Uint8Array(content)]), 'f')
  const response = await service.request(`/v1/models/${name}/versions`, {
    method: 'POST',
    body: form,
    headers,
  })
  return { status: response.status, body: (await response.json()) as Json, headers: response.headers }
}

async function download(where: string): Promise<Buffer> {
  return Buffer.from(await (await service.request(where)).arrayBuffer())
}

/** What a model answers for the first stripes. */
async function predict(where: string): Promise<Json> {
  const { images } = stripes(5, 3, 6, 9)
  const instances = Array.from({ length: 5 }, (_, row) => [
    ...images.subarray(16 + row * 36, 16 + (row + 1) * 36),
  ])
  return (await ask('POST', `${where}/predict`, { instances }))[1].predictions
}

/** Files that the store holds, drafts included. */
async function storedFiles(): Promise<string[]> {
  const folders = ['blobs', 'drafts', 'taken'].map(name => path.join(service.dataDir, name))
  const lists = folders.map(folder => readdir(folder, { recursive: true }).catch(() => []))
  return (await Promise.all(lists)).flat().sort()
}

describe('an import', () => {
  it('of our own export is a version that answers the same, and says where it comes from', async () => {
    const zip = await download('/v1/models/stripes/versions/1/artifact')
    const options = { description: 'from elsewhere', tags: ['moved'] }
    const { status, body, headers } = await post('moved', { file: zip }, options)
    expect([status, headers.get('location')]).toEqual([201, '/v1/models/moved/versions/1'])
    const [, trained] = await ask('GET', '/v1/models/stripes/versions/1')
    expect(body).toMatchObject({
      name: 'moved',
      version: 1,
      aliases: ['latest'],
      jobId: null,
      datasetId: null,
      datasetSha256: null,
      kind: 'classification',
      inputShape: [6, 6, 1],
      classes: ['0', '1', '2'],
      parameterCount: trained.parameterCount,
      preprocessing: trained.preprocessing,
      temperature: trained.temperature,
      metrics: {},
      ...options,
      lineage: {
        dataset: null,
        training: {},
        seed: null,
        engine: null,
        baseModel: null,
        imported: {
          format: 'tfjs',
          generatedBy: 'Trainyard',
          bytes: zip.length,
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
        submittedBy: { id: expect.any(String), name: expect.any(String) },
      },
    })
    expect(await predict('/v1/models/moved')).toEqual(await predict('/v1/models/stripes/versions/1'))
    const again = await download('/v1/models/moved/versions/1/artifact/weights.bin')
    expect(again.equals(await download('/v1/models/stripes/versions/1/artifact/weights.bin'))).toBe(true)
  })

  it('is a version like others: listed, aliased, said not to be comparable, deleted', async () => {
    const zip = await download('/v1/models/stripes/versions/1/artifact')
    const { body } = await post('stripes', { file: zip })
    const where = `/v1/models/stripes/versions/${body.version}`
    const [, { data }] = await ask('GET', '/v1/models/stripes/versions')
    expect(data[0]).toMatchObject({ version: body.version, jobId: null })
    expect((await ask('PUT', '/v1/models/stripes/aliases/imported', { version: body.version }))[0]).toBe(200)
    const [refused, problem] = await ask('GET', `/v1/models/stripes/compare?a=1&b=${body.version}`)
    expect([refused, problem.code]).toEqual([409, 'VERSIONS_NOT_COMPARABLE'])
    expect((await ask('DELETE', where))[0]).toBe(409)
    await ask('DELETE', '/v1/models/stripes/aliases/imported')
    expect((await ask('DELETE', where))[0]).toBe(204)
  })

  it('can be trained on, with its layers frozen but the last', async () => {
    const zip = await download('/v1/models/stripes/versions/1/artifact')
    await post('base', { file: zip })
    const layers = [
      { type: 'dense', units: 8, activation: 'relu', trainable: false },
      { type: 'dense', units: 3, activation: 'softmax' },
    ]
    const [, job] = await ask('POST', '/v1/jobs', {
      name: 'tuned',
      datasetId,
      network: { layers },
      baseModel: { name: 'base', alias: 'latest' },
      training: { ...GOOD, epochs: 2 },
    })
    const { status } = await service.untilJob(job.id, ({ finishedAt }) => finishedAt !== null)
    expect(status).toBe('succeeded')
    const [, version] = await ask('GET', '/v1/models/tuned/versions/1')
    expect(version.metrics.accuracy).toBeGreaterThan(0.9)
    expect(version.lineage.baseModel).toMatchObject({ name: 'base', version: 1, newLayers: [] })
  })

  it('of a file of Keras predicts, explains itself and is exported', async () => {
    const { status, body } = await post(
      'keras',
      { file: await fixture('sequential.keras') },
      { classes: ['a', 'b', 'c'] },
    )
    expect(status).toBe(201)
    expect(body.lineage.imported).toMatchObject({
      format: 'keras',
      generatedBy: expect.stringContaining('Keras 3'),
    })
    const { sequential } = JSON.parse((await fixture('predictions.json')).toString())
    const [, answer] = await ask('POST', '/v1/models/keras/predict?explain=true', {
      instances: sequential.inputs,
    })
    for (const [index, { top, saliency }] of answer.predictions.entries()) {
      for (const { label, probability } of top) {
        expect(probability).toBeCloseTo(sequential.outputs[index]['abc'.indexOf(label)], 6)
      }
      expect(saliency.values).toHaveLength(12)
    }
    const exported = await post('keras', { file: await download('/v1/models/keras/versions/1/artifact') })
    expect(exported.body).toMatchObject({
      version: 2,
      lineage: { imported: { format: 'tfjs' } },
      classes: ['a', 'b', 'c'],
    })
  })

  it('of two parts, as TensorFlow.js posts them, is taken', async () => {
    const parts = {
      'model.json': await download('/v1/models/stripes/versions/1/artifact/model.json'),
      'model.weights.bin': await download('/v1/models/stripes/versions/1/artifact/weights.bin'),
    }
    const { status } = await post('parts', parts)
    expect(status).toBe(201)
    expect(await predict('/v1/models/parts')).toEqual(await predict('/v1/models/stripes/versions/1'))
  })

  it('is done once for each Idempotency-Key', async () => {
    const file = await fixture('functional.keras')
    const headers = { 'idempotency-key': 'import-1' }
    const first = await post('once', { file }, {}, headers)
    const second = await post('once', { file }, {}, headers)
    expect([first.status, second.status, second.body]).toEqual([201, 201, first.body])
    expect((await ask('GET', '/v1/models/once'))[1].versions).toEqual([1])
  })

  it('that is refused leaves nothing behind: no version, no model, no file', async () => {
    const before = await storedFiles()
    const sequential = await fixture('sequential.keras')
    const refusals: [Record<string, Uint8Array>, object | undefined, number, string, string][] = [
      [{ file: await fixture('refused Lambda.keras') }, undefined, 422, 'MODEL_FILE_INVALID', '/file'],
      [{ file: sequential.subarray(0, 9_000) }, undefined, 422, 'MODEL_FILE_INVALID', '/file'],
      [{ file: sequential }, { classes: ['a', 'b'] }, 422, 'VALIDATION_FAILED', '/options/classes'],
      [{ file: sequential }, { shape: [3] }, 422, 'VALIDATION_FAILED', '/options/shape'],
      [{ model: sequential }, undefined, 422, 'VALIDATION_FAILED', '/model'],
      [{}, {}, 422, 'VALIDATION_FAILED', '/file'],
    ]
    for (const [files, options, status, code, pointer] of refusals) {
      const { status: received, body } = await post('nothing', files, options)
      expect([received, body.code, body.errors[0].pointer]).toEqual([status, code, pointer])
    }
    expect((await ask('GET', '/v1/models/nothing'))[0]).toBe(404)
    expect(await storedFiles()).toEqual(before)
    const [, health] = await ask('GET', '/readyz')
    expect(health.status).toBe('ready')
  })

  it('needs a name that a model may have, and parts', async () => {
    expect((await post('a%2Fb', { file: Buffer.from('x') })).status).toBe(422)
    const [status, problem] = await ask('POST', '/v1/models/x/versions', {})
    expect([status, problem.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
  })
})
