import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import type { DatasetContent, StoredSplit } from '../../../src/datasets/content.ts'
import { resolveSpec } from '../../../src/jobs/resolve-spec.ts'
import { type JobRequest, JobRequestSchema } from '../../../src/jobs/schemas.ts'

const split = (examples: number): StoredSplit => ({
  examples,
  classCounts: {},
  features: 'a'.repeat(64),
  labels: 'b'.repeat(64),
})

const DATASET: DatasetContent = {
  shape: [2, 3, 1],
  dtype: 'uint8',
  kind: 'image',
  columns: null,
  task: 'classification',
  targets: [],
  classes: ['a', 'b', 'c'],
  splits: { train: split(100), test: split(20) },
}

const BINARY = { ...DATASET, classes: ['no', 'yes'] }

const request = (training: JobRequest['training'] = {}, units = 3, activation = 'softmax'): JobRequest => ({
  datasetId: 'ds_1',
  network: {
    layers: [
      { type: 'dense', units: 4, activation: 'relu' },
      { type: 'dense', units, activation: activation as 'softmax' },
    ],
  },
  training,
})

function resolve(job: JobRequest, dataset: DatasetContent = DATASET, trainerBytesMax = 2 ** 32) {
  const spec = resolveSpec(job, dataset, { trainerBytesMax, residentBytesMax: 2 ** 31 }, 77)
  if ('errors' in spec) throw new Error(JSON.stringify(spec.errors))
  return spec
}

function pointersOf(job: JobRequest, dataset: DatasetContent = DATASET, trainerBytesMax = 2 ** 32) {
  const spec = resolveSpec(job, dataset, { trainerBytesMax, residentBytesMax: 2 ** 31 }, 77)
  return 'errors' in spec ? spec.errors.map(({ pointer }) => pointer) : []
}

describe('a job request', () => {
  it('gets Keras’s defaults for what it leaves out', () => {
    const { network, training, preprocessing } = resolve({
      datasetId: 'ds_1',
      network: { layers: [{ type: 'dense', units: 3 }] },
    })
    expect(network.layers).toEqual([
      {
        type: 'dense',
        units: 3,
        activation: 'linear',
        useBias: true,
        kernelInitializer: 'glorotUniform',
        biasInitializer: 'zeros',
      },
    ])
    expect(training).toEqual({
      epochs: 10,
      batchSize: 32,
      loss: { type: 'meanSquaredError' },
      optimizer: {
        type: 'adam',
        learningRate: 0.001,
        weightDecay: 0,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-7,
      },
      metrics: ['accuracy'],
      validation: { split: 'test' },
      learningRateSchedule: { type: 'constant', warmupSteps: 0 },
      seed: 77,
      maxRuntimeSeconds: null,
    })
    expect(preprocessing).toEqual({ scale: 1 / 255 })
  })

  it('counts its parameters and its steps', () => {
    const spec = resolve(request({ epochs: 3, batchSize: 32 }))
    expect(spec.parameterCount).toBe((6 + 1) * 4 + (4 + 1) * 3)
    expect(spec.trainExamples).toBe(100)
    expect(spec.steps).toBe(3 * 4) // 32 + 32 + 32 + 4
  })

  it('keeps what it says', () => {
    const { training } = resolve(request({ seed: 0, metrics: [], validation: null, epochs: 1, batchSize: 7 }))
    expect(training).toMatchObject({ seed: 0, metrics: [], validation: null, epochs: 1, batchSize: 7 })
  })

  it.each([
    ['softmax', 3, 'categoricalCrossentropy'],
    ['sigmoid', 3, 'binaryCrossentropy'],
    ['relu', 3, 'meanSquaredError'],
  ])('with the output %s gets the loss that belongs to it', (activation, units, loss) => {
    expect(resolve(request({}, units, activation)).training.loss.type).toBe(loss)
  })

  it('validates on the validation split, else on the test split, else on a tenth', () => {
    const { train, test } = DATASET.splits
    const validation = split(10)
    if (!train || !test) throw new Error('both splits are there')
    const of = (splits: DatasetContent['splits']) => resolve(request(), { ...DATASET, splits })
    expect(of({ train, test, validation }).training.validation).toEqual({ split: 'validation' })
    expect(of({ train, test }).training.validation).toEqual({ split: 'test' })
    expect(of({ train }).training.validation).toEqual({ fraction: 0.1 })
    expect(of({ train }).trainExamples).toBe(90)
  })

  it('with folds counts a fit for each, and one that makes the model', () => {
    const once = resolve(request({ epochs: 3, batchSize: 25, validation: null }))
    const spec = resolve(request({ epochs: 3, batchSize: 25, validation: { folds: 3 } }))
    expect(spec.epochs).toBe(4 * 3)
    expect(spec.steps).toBe(3 * (3 + 3 + 3 + 4)) // of 100 examples 66 or 67 are three batches
    expect(spec.trainExamples).toBe(100)
    expect(spec.estimate.seconds).toBeGreaterThan(2.5 * once.estimate.seconds)
    expect(spec.estimate.secondsPerEpoch * spec.epochs).toBeCloseTo(spec.estimate.seconds, 12)
  })

  it('with folds watches validation losses to stop, and training losses to slow down', () => {
    const { training } = resolve(
      request({ validation: { folds: 3 }, earlyStopping: {}, reduceOnPlateau: {} }),
    )
    expect(training.earlyStopping?.monitor).toBe('valLoss')
    expect(training.reduceOnPlateau?.monitor).toBe('loss')
  })

  it('does not scale features that are floats', () => {
    expect(resolve(request(), { ...DATASET, dtype: 'float32' }).preprocessing).toEqual({ scale: 1 })
  })

  it('that is sent again as it was resolved resolves to itself', () => {
    const job = request({
      loss: { type: 'categoricalCrossentropy', labelSmoothing: 0.1 },
      optimizer: { type: 'adamW', clipNorm: 1 },
      learningRateSchedule: { type: 'cosine', warmupSteps: 2 },
      reduceOnPlateau: { patience: 2 },
      earlyStopping: { monitor: 'valAuc', restoreBest: true },
      metrics: ['accuracy', 'auc', 'top2Accuracy'],
      classWeight: 'balanced',
    })
    const { network, training, preprocessing } = resolve(job)
    const again: unknown = { datasetId: 'ds_1', network, training, preprocessing }
    if (!Value.Check(JobRequestSchema, again)) {
      throw new Error(JSON.stringify([...Value.Errors(JobRequestSchema, again)]))
    }
    expect(resolve(again)).toMatchObject({ network, training, preprocessing })
    expect(training.earlyStopping).toEqual({
      monitor: 'valAuc',
      minDelta: 0,
      patience: 0,
      startFromEpoch: 0,
      restoreBest: true,
    })
  })

  it('may have one sigmoid unit for two classes', () => {
    expect(resolve(request({}, 1, 'sigmoid'), BINARY).training.loss.type).toBe('binaryCrossentropy')
  })
})

it('the estimate of a dataset that is trained in blocks counts no more than what is in memory', () => {
  const bytes = (examples: number) => {
    const splits = { train: split(examples) }
    return resolve(request({ validation: null }), { ...DATASET, splits }, 2 ** 40).estimate.trainerMemoryBytes
  }
  const [small, large] = [bytes(2 ** 29), bytes(2 ** 30)] // 3 and 6 GiB of features, of which 2 GiB are resident
  expect(large - small).toBe(2 ** 29 * 4) // only labels grow
})

describe('a job request is refused, with the field that is wrong,', () => {
  it.each([
    ['when the last layer does not have a unit for each class', request({}, 4), '/network/layers/1/units'],
    ['when one softmax unit should tell classes apart', request({}, 1), '/network/layers/1/units'],
    [
      'when the loss does not go with the last activation',
      request({ loss: 'categoricalCrossentropy' }, 3, 'linear'),
      '/network/layers/1/activation',
    ],
    [
      'when early stopping watches what is not measured',
      request({ earlyStopping: { monitor: 'valAuc' } }),
      '/training/earlyStopping/monitor',
    ],
    [
      'when a plateau of validation is looked for without validation',
      request({ reduceOnPlateau: { monitor: 'valLoss' }, validation: null }),
      '/training/reduceOnPlateau/monitor',
    ],
    [
      'when a class that is weighted is not there',
      request({ classWeight: { nobody: 2 } }),
      '/training/classWeight/nobody',
    ],
    [
      'when gradients are clipped in two ways',
      request({ optimizer: { type: 'sgd', clipNorm: 1, clipValue: 1 } }),
      '/training/optimizer/clipValue',
    ],
    [
      'when the split is not there',
      request({ validation: { split: 'validation' } }),
      '/training/validation/split',
    ],
    [
      'when the fraction holds out nothing',
      request({ validation: { fraction: 0.009 } }),
      '/training/validation/fraction',
    ],
    [
      'when nothing says which rows validate',
      request({ validation: { stratify: true } }),
      '/training/validation',
    ],
    [
      'when a fraction and folds are wanted',
      request({ validation: { fraction: 0.2, folds: 3 } }),
      '/training/validation/folds',
    ],
    [
      'when there are more folds than examples',
      request({ validation: { folds: 101 } }),
      '/training/validation/folds',
    ],
    [
      'when the group of folds is no column',
      request({ validation: { folds: 3, stratify: true, group: 'customer' } }),
      '/training/validation/group',
    ],
    [
      'when the epochs of all fits are more than a history holds',
      request({ epochs: 2_501, validation: { folds: 3 } }),
      '/training/epochs',
    ],
    [
      'when what the model does not have shall slow it down',
      request({ validation: { folds: 3 }, reduceOnPlateau: { monitor: 'valLoss' } }),
      '/training/reduceOnPlateau/monitor',
    ],
    [
      'when there are more steps than an int32 counts',
      request({ epochs: 2 ** 31, batchSize: 100 }),
      '/training/epochs',
    ],
  ])('%s', (_, job, pointer) => {
    expect(pointersOf(job)).toEqual([pointer])
  })

  it('when one unit meets three classes, or softmax', () => {
    expect(pointersOf(request({}, 1, 'sigmoid'))).toEqual(['/network/layers/1/units'])
    expect(pointersOf(request({}, 1, 'softmax'), BINARY)).toEqual(['/network/layers/1/units'])
  })

  it('when the dataset has a single class', () => {
    expect(pointersOf(request({}, 1), { ...DATASET, classes: ['a'] })).toEqual(['/datasetId'])
  })

  it('when it has too many parameters, and when it needs too much memory', () => {
    const wide: JobRequest = {
      ...request(),
      network: {
        layers: [
          { type: 'dense', units: 8_000 },
          { type: 'dense', units: 8_000 },
          { type: 'dense', units: 3, activation: 'softmax' },
        ],
      },
    }
    expect(pointersOf(wide)).toEqual(['/network/layers'])
    expect(pointersOf(request(), DATASET, 1_000)).toEqual(['/training/batchSize'])
  })

  it('with everything that is wrong at once', () => {
    const job = request({ loss: 'binaryCrossentropy', validation: { split: 'validation' } }, 9)
    expect(pointersOf(job)).toEqual([
      '/network/layers/1/activation',
      '/network/layers/1/units',
      '/training/validation/split',
    ])
  })
})
