import { beforeAll, describe, expect, it } from 'vitest'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { GOOD, send, trainVersion } from '../helpers/trained-model.ts'

const MODEL = '/v1/models/stripes'
/** Steps too small to change a float32. */
const STILL = { epochs: 1, batchSize: 30, seed: 5, optimizer: { type: 'sgd', learningRate: 1e-30 } }

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

const submit = (more: object) =>
  ask('POST', '/v1/jobs', { name: 'stripes', datasetId, training: STILL, ...more })

async function ended(id: string): Promise<Json> {
  return service.untilJob(id, ({ finishedAt }) => finishedAt !== null)
}

describe('a job with a base model', () => {
  it('goes on from a version that an alias means, without a network of its own, and its version says so', async () => {
    const [status, job] = await submit({ baseModel: { name: 'stripes', alias: 'latest' } })
    expect([status, job.baseModel]).toMatchObject([
      202,
      { name: 'stripes', version: 1, keptPreprocessing: true },
    ])
    const { modelVersion } = await ended(job.id)
    const [[, first], [, second]] = [
      await ask('GET', `${MODEL}/versions/1`),
      await ask('GET', `${MODEL}/versions/${modelVersion}`),
    ]
    expect(second.metrics).toEqual(first.metrics)
    expect(second.lineage.baseModel).toEqual(job.baseModel)
    expect(second.lineage.baseModel.sha256).toBe(first.sha256)
    expect(first.lineage.baseModel).toBeNull()
    const [, { files }] = await ask('GET', `${MODEL}/versions/${modelVersion}/artifact/manifest.json`)
    const [, { files: before }] = await ask('GET', `${MODEL}/versions/1/artifact/manifest.json`)
    expect(files['weights.bin']).toBe(before['weights.bin'])
  })

  it('trains what is not frozen', async () => {
    const layers = [
      { type: 'dense', units: 8, activation: 'relu', trainable: false },
      { type: 'dense', units: 3, activation: 'softmax' },
    ]
    const request = {
      network: { layers },
      baseModel: { name: 'stripes', version: 1 },
      training: { ...GOOD, epochs: 1 },
    }
    const [, dryRun] = await ask('POST', '/v1/jobs?dryRun=true', { name: 'stripes', datasetId, ...request })
    expect(dryRun).toMatchObject({
      parameterCount: 323,
      trainableParameterCount: 27,
      baseModel: { version: 1 },
    })
    const [, job] = await submit(request)
    expect(job).toMatchObject({ parameterCount: 323, trainableParameterCount: 27 })
    const { modelVersion } = await ended(job.id)
    const weightsOf = async (version: number) => {
      const response = await service.request(`${MODEL}/versions/${version}/artifact/weights.bin`)
      return Buffer.from(await response.arrayBuffer())
    }
    const [before, after] = [await weightsOf(1), await weightsOf(modelVersion)]
    const frozenBytes = (36 + 1) * 8 * 4
    expect(after.subarray(0, frozenBytes).equals(before.subarray(0, frozenBytes))).toBe(true)
    expect(after.subarray(frozenBytes).equals(before.subarray(frozenBytes))).toBe(false)
  })

  it.each([
    [{ name: 'none', version: 1 }, '/baseModel/name'],
    [{ name: 'stripes', version: 99 }, '/baseModel/version'],
    [{ name: 'stripes', alias: 'nobody' }, '/baseModel/alias'],
    [{ name: 'stripes' }, '/baseModel'],
    [{ name: 'stripes', version: 1, alias: 'latest' }, '/baseModel'],
    [{ name: 'stripes', version: 1, layers: 'some' }, '/baseModel/layers'],
    [{ name: 'stripes', version: 1, freeze: true }, '/baseModel/freeze'],
  ])('is refused for %o at %s', async (baseModel, pointer) => {
    const [status, problem] = await submit({ baseModel })
    expect([status, problem.code, problem.errors[0].pointer]).toEqual([422, 'VALIDATION_FAILED', pointer])
  })

  it('keeps its base from being deleted until it has ended, and cannot be tried again without it', async () => {
    const base = await trainVersion(service, datasetId, GOOD)
    const training = { ...STILL, epochs: 10_000 }
    const [, job] = await submit({
      training,
      baseModel: { name: 'stripes', version: base },
      model: { name: 'other' },
    })
    const where = `${MODEL}/versions/${base}`
    const [status, problem] = await ask('DELETE', where)
    expect([status, problem.code]).toEqual([409, 'MODEL_VERSION_IN_USE'])
    expect(problem.detail).toContain(job.id)
    await ask('POST', `/v1/jobs/${job.id}/cancel`)
    expect((await ended(job.id)).status).toBe('cancelled')
    expect((await ask('DELETE', where))[0]).toBe(204)
    const [refused, why] = await ask('POST', `/v1/jobs/${job.id}/retry`, { fromScratch: true })
    expect([refused, why.code]).toEqual([404, 'MODEL_VERSION_NOT_FOUND'])
  })
})
