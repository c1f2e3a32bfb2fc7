import { decode } from 'fast-png'
import pg from 'pg'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { releaseAfterFile } from '../helpers/release.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'
import { BAD, GOOD, send, trainVersion } from '../helpers/trained-model.ts'

const MODEL = '/v1/models/stripes'
const release = releaseAfterFile()
let service: TestService
let datasetId: string
let instances: number[][]

/** Version 1 is good, with its temperature fitted on held-out examples; 2 guesses. */
beforeAll(async () => {
  service = await startTestService({ release })
  await service.startWorker()
  datasetId = await service.uploadStripes()
  await trainVersion(service, datasetId, { ...GOOD, epochs: 4, validation: { fraction: 0.3 } })
  await trainVersion(service, datasetId, BAD)
  const { data } = await service.json(`/v1/datasets/${datasetId}/examples?split=test&limit=30`)
  instances = data.map(({ features }: Json) => features)
})

async function predict(version: number, query: string, body: object = { instances }): Promise<Json> {
  const [status, answer] = await send(service, 'POST', `${MODEL}/versions/${version}/predict${query}`, body)
  if (status !== 200) throw new Error(JSON.stringify(answer))
  return answer
}

describe('the calibration of a model', () => {
  it('stands in its report, fitted on validation examples and measured on those of the test', async () => {
    const [, version] = await send(service, 'GET', `${MODEL}/versions/1`)
    const { calibration, examples } = await service.json(`/v1/jobs/${version.jobId}/evaluation`)
    expect(calibration).toMatchObject({
      temperature: version.temperature,
      fittedOn: { split: 'validation', examples: 27 },
      measuredOn: { split: 'test', examples: 30 },
    })
    for (const { bins, expectedCalibrationError } of [calibration.before, calibration.after]) {
      expect(bins).toHaveLength(15)
      expect(bins.reduce((sum: number, bin: Json) => sum + bin.examples, 0)).toBe(examples)
      const error = bins.reduce(
        (sum: number, bin: Json) => sum + (bin.examples / examples) * Math.abs(bin.accuracy - bin.confidence),
        0,
      )
      expect(expectedCalibrationError).toBeCloseTo(error, 12)
    }
    const manifest = await service.json(`${MODEL}/versions/1/artifact/manifest.json`)
    expect(manifest.calibration).toEqual({ method: 'temperature', temperature: version.temperature })
  })

  it('changes probabilities where it is asked for, and no class', async () => {
    const [, { temperature }] = await send(service, 'GET', `${MODEL}/versions/1`)
    const plain = await predict(1, '?topK=3')
    const calibrated = await predict(1, '?topK=3&calibrated=true')
    expect(await predict(1, '?topK=3&calibrated=false')).toEqual(plain)
    for (const [index, { label, top }] of calibrated.predictions.entries()) {
      const before = plain.predictions[index]
      expect(label).toBe(before.label)
      const powers = before.top.map(({ probability }: Json) => probability ** (1 / temperature))
      const sum = powers.reduce((total: number, power: number) => total + power, 0)
      for (const [place, { probability }] of top.entries()) {
        expect(probability).toBeCloseTo(powers[place] / sum, 5)
      }
    }
    expect(calibrated.predictions[0].probability).not.toBe(plain.predictions[0].probability)
  })

  it('that a version does not have is a 409', async () => {
    const client = new pg.Client({ connectionString: service.databaseUrl })
    await client.connect()
    onTestFinished(() => client.end())
    await trainVersion(service, datasetId, {
      ...GOOD,
      loss: 'meanSquaredError',
    }).then(version =>
      client.query('UPDATE model_versions SET temperature = NULL WHERE version = $1', [version]),
    )
    const where = `${MODEL}/versions/3/predict?calibrated=true`
    const [status, refusal] = await send(service, 'POST', where, { instances })
    expect([status, refusal.code]).toEqual([409, 'CALIBRATION_NOT_AVAILABLE'])
  })
})

describe('a prediction that is not sure enough', () => {
  it('abstains: no label, though the most probable classes are told', async () => {
    const { predictions: plain } = await predict(2, '')
    const probabilities = plain
      .map(({ probability }: Json) => probability)
      .sort((a: number, b: number) => a - b)
    const limit = probabilities[15]
    const { predictions } = await predict(2, `?abstainBelow=${limit}`)
    for (const [index, { label, abstained, probability, top }] of predictions.entries()) {
      expect([probability, top]).toEqual([plain[index].probability, plain[index].top])
      expect([abstained, label]).toEqual(probability < limit ? [true, null] : [false, plain[index].label])
    }
    expect(predictions.filter(({ abstained }: Json) => abstained)).toHaveLength(15)
    expect(plain[0]).not.toHaveProperty('abstained')
  })

  it('takes a probability, after calibration where both are asked for', async () => {
    expect((await predict(1, '?abstainBelow=0')).predictions[0].abstained).toBe(false)
    const { predictions } = await predict(1, '?abstainBelow=1&calibrated=true')
    for (const { probability, abstained } of predictions) expect(abstained).toBe(probability < 1)
    const [status] = await send(service, 'POST', `${MODEL}/predict?abstainBelow=2`, { instances })
    expect(status).toBe(422)
  })
})

describe('an explanation', () => {
  it('adds up to the logit but for the biases, and is strongest in the row that tells the class', async () => {
    const { predictions } = await predict(1, '?explain=true', { instances: instances.slice(0, 9) })
    for (const { label, saliency } of predictions) {
      expect(saliency).toMatchObject({ label, shape: [6, 6, 1] })
      expect(saliency.values).toHaveLength(36)
      const rows = [0, 1, 2].map(row =>
        saliency.values.slice(6 * row, 6 * row + 6).reduce((sum: number, value: number) => sum + value, 0),
      )
      expect(rows.indexOf(Math.max(...rows))).toBe(Number(label))
    }
  })

  it('has a picture: enlarged, red where it speaks for the class', async () => {
    const { predictions } = await predict(1, '?explain=true', { instances: instances.slice(0, 1) })
    const [{ saliency }] = predictions
    const { width, height, data, channels } = decode(Buffer.from(saliency.overlay, 'base64'))
    expect([width, height, channels]).toEqual([228, 228, 3])
    const strongest = saliency.values.indexOf(Math.max(...saliency.values.map(Math.abs)))
    expect(strongest).toBeGreaterThanOrEqual(0) // the strongest speaks for the class
    const x = 38 * (strongest % 6) + 19
    const y = 38 * Math.floor(strongest / 6) + 19
    expect(Array.from(data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3))).toEqual([255, 40, 40])
  })

  it('is given for 16 inputs at most, and not unasked', async () => {
    expect((await predict(1, '')).predictions[0]).not.toHaveProperty('saliency')
    const [status, refusal] = await send(service, 'POST', `${MODEL}/predict?explain=true`, { instances })
    expect([status, refusal.errors[0].parameter]).toEqual([422, 'explain'])
  })
})
