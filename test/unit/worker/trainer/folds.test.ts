import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../../src/config.ts'
import type { Task } from '../../../../src/datasets/columns.ts'
import type { DatasetContent } from '../../../../src/datasets/content.ts'
import type { CheckpointRecord } from '../../../../src/jobs/attempt-repository.ts'
import { type JobSpec, resolveSpec } from '../../../../src/jobs/resolve-spec.ts'
import type { JobRequest } from '../../../../src/jobs/schemas.ts'
import type { Evaluation } from '../../../../src/metrics/evaluation-report.ts'
import { readOutcomes } from '../../../../src/models/outcomes.ts'
import type { Preprocessing } from '../../../../src/preprocessing/preprocessing.ts'
import type { BlobStore } from '../../../../src/storage/blob-store.ts'
import { createDiskBlobStore } from '../../../../src/storage/disk-blob-store.ts'
import type { Engine } from '../../../../worker/engines/engine.ts'
import { createPortableEngine } from '../../../../worker/engines/portable/engine.ts'
import { createTensorflowEngine } from '../../../../worker/engines/tensorflow/engine.ts'
import { findAddon } from '../../../../worker/engines/tensorflow/locate.ts'
import { chooseExamples } from '../../../../worker/trainer/choose-examples.ts'
import { planData } from '../../../../worker/trainer/load-data.ts'
import type { TrainerJob, TrainerMessage } from '../../../../worker/trainer/messages.ts'
import { runTraining } from '../../../../worker/trainer/run-training.ts'
import { createTestFolder } from '../../../helpers/folder.ts'
import { stripes } from '../../../helpers/idx.ts'
import type { LayerRequests } from '../../../helpers/small-network.ts'
import { HOUSE_COLUMNS, houses, storeHouses } from '../../../helpers/tables.ts'

const ROWS = 100
const OUTPUT = {
  classification: { units: 2, activation: 'softmax' },
  multiLabel: { units: 2, activation: 'sigmoid' },
  regression: { units: 1, activation: 'linear' },
} as const

const addon = findAddon(readConfig({}).tensorflowDir)
const portable = await createPortableEngine()
const tensorflow = addon ? createTensorflowEngine(addon, 2) : null

/** What differs from step to step, and from training to prediction. */
const NOISY: LayerRequests = [
  { type: 'dense', units: 8, activation: 'linear' },
  { type: 'batchNormalization', momentum: 0.9 },
  { type: 'activation', activation: 'relu' },
  { type: 'dropout', rate: 0.2 },
]

interface Change {
  task?: Task
  training?: JobRequest['training']
  hidden?: LayerRequests
  /** Whether the test split stays. */
  test?: boolean
  residentBytesMax?: number
}

/** A job on houses, validated in three folds. */
async function createHouses({ task = 'classification', test = false, ...change }: Change = {}) {
  const folder = await createTestFolder()
  const blobs = createDiskBlobStore(folder)
  const { splits, ...dataset } = await storeHouses(blobs, task, { train: ROWS, test: 40 })
  const { train } = splits
  if (!train) throw new Error('there are training rows')
  const output = { type: 'dense', ...OUTPUT[task] } as const
  return describeJob(blobs, folder, { ...dataset, splits: test ? splits : { train } }, output, change)
}

/** A job on images of stripes, validated in three folds. */
async function createStripes(change: Change) {
  const folder = await createTestFolder()
  const blobs = createDiskBlobStore(folder)
  const { images, labels } = stripes(ROWS, 3, 6, 1)
  const classes = Int32Array.from(labels.subarray(8))
  const train = {
    examples: ROWS,
    classCounts: {},
    features: (await blobs.put(images.subarray(16))).sha256,
    labels: (await blobs.put(Buffer.from(classes.buffer))).sha256,
  }
  const dataset: DatasetContent = {
    kind: 'image',
    shape: [6, 6, 1],
    dtype: 'uint8',
    columns: null,
    task: 'classification',
    targets: [],
    classes: ['top', 'second', 'third'],
    splits: { train },
  }
  return describeJob(blobs, folder, dataset, { type: 'dense', units: 3, activation: 'softmax' }, change)
}

function describeJob(
  blobs: BlobStore,
  folder: string,
  dataset: DatasetContent,
  output: LayerRequests[number],
  { training, hidden, residentBytesMax = 1e6 }: Change,
): Setup {
  const request: JobRequest = {
    datasetId: 'ds_1',
    network: { layers: [...(hidden ?? [{ type: 'dense', units: 8, activation: 'relu' }]), output] },
    training: {
      epochs: 2,
      batchSize: 9,
      optimizer: { type: 'adam', learningRate: 0.02 },
      seed: 5,
      validation: { folds: 3 },
      ...training,
    },
  }
  const spec = resolveSpec(request, dataset, { trainerBytesMax: 1e12, residentBytesMax }, 0)
  if ('errors' in spec) throw new Error(JSON.stringify(spec.errors))
  const job: TrainerJob = {
    jobId: 'job_1',
    storage: { kind: 'disk', folder },
    checkpointSeconds: 1_000,
    residentBytesMax,
    dataset: { ...dataset, id: 'ds_1', sha256: 'f'.repeat(64) },
    network: spec.network,
    training: spec.training,
    preprocessing: spec.preprocessing as Preprocessing, // without a base model there are no figures
    isFitted: false,
    parameterCount: spec.parameterCount,
    base: null,
    checkpoints: [],
  }
  return { blobs, job, spec }
}

interface Setup {
  blobs: BlobStore
  job: TrainerJob
  spec: JobSpec
}

/** Runs an attempt until its end, or until `stops` says so at a message; gives all that it sent. */
async function attempt(
  { blobs, job }: Setup,
  {
    engine = portable,
    checkpoints = [],
    stops = () => false,
  }: {
    engine?: Engine
    checkpoints?: readonly CheckpointRecord[]
    stops?(message: TrainerMessage): boolean
  } = {},
): Promise<TrainerMessage[]> {
  const sent: TrainerMessage[] = []
  let stopRequest: { checkpoint: boolean } | null = null
  const send = (message: TrainerMessage) => {
    sent.push(message)
    if (stops(message)) stopRequest = { checkpoint: true }
  }
  await runTraining({ engine, blobs, send, stopRequest: () => stopRequest }, { ...job, checkpoints })
  return sent
}

const find = <Type extends TrainerMessage['type']>(messages: readonly TrainerMessage[], type: Type) =>
  messages.filter((message): message is Extract<TrainerMessage, { type: Type }> => message.type === type)

function finishedOf(messages: readonly TrainerMessage[]) {
  const [finished] = find(messages, 'finished')
  if (!finished) throw new Error('the training must have finished')
  return finished
}

const rowsOf = (messages: readonly TrainerMessage[]) =>
  find(messages, 'epoch').map(({ epoch: { durationMs: _ms, examplesPerSecond: _speed, ...row } }) => row)

const weightsOf = (messages: readonly TrainerMessage[]) => finishedOf(messages).artifact.files['weights.bin']

function foldsOf({ evaluation }: { evaluation: Evaluation | null }) {
  const { folds, mean, deviation } = evaluation ?? {}
  if (!folds || !mean || !deviation) throw new Error('the report must be of folds')
  return { folds, mean, deviation }
}

describe.each([
  { name: 'portable', engine: portable },
  { name: 'tensorflow', engine: tensorflow },
])('cross-validation on the $name engine', ({ engine }) => {
  it.skipIf(engine === null)(
    'fits each fold, reports on all of them, and makes a model of all rows',
    async () => {
      const setup = await createHouses({ training: { validation: { folds: 3, stratify: true }, epochs: 12 } })
      const messages = await attempt(setup, { engine: engine as Engine })
      const rows = rowsOf(messages)
      expect(rows.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 48 }, (_, index) => index + 1))
      expect(rows.map(({ fold }) => fold ?? null)).toEqual(
        [1, 2, 3, null].flatMap(fold => Array(12).fill(fold)),
      )
      expect(rows.at(-1)?.step).toBe(setup.spec.steps)
      expect(find(messages, 'planned')).toEqual([])
      for (const { fold, metrics } of rows) expect('valLoss' in metrics).toBe(fold !== undefined)

      const { evaluation, description, outcomes } = finishedOf(messages)
      if (evaluation?.task !== 'classification') throw new Error('the report must be of a classification')
      const { folds, mean, deviation } = foldsOf({ evaluation })
      expect(folds.map(({ fold, examples, epochs }) => ({ fold, examples, epochs }))).toEqual([
        { fold: 1, examples: 34, epochs: 12 },
        { fold: 2, examples: 33, epochs: 12 },
        { fold: 3, examples: 33, epochs: 12 },
      ])
      folds.forEach(({ loss, metrics }, index) => {
        const last = rows[12 * index + 11]?.metrics
        expect(loss).toBeCloseTo(last?.valLoss ?? 0, 5)
        expect(metrics.accuracy).toBe(last?.valAccuracy)
      })
      const accuracies = folds.map(({ metrics }) => metrics.accuracy ?? 0)
      const center = accuracies.reduce((sum, accuracy) => sum + accuracy) / 3
      const squares = accuracies.reduce((sum, accuracy) => sum + (accuracy - center) ** 2, 0)
      expect(mean.metrics.accuracy).toBeCloseTo(center, 12)
      expect(deviation.metrics.accuracy).toBeCloseTo(Math.sqrt(squares / 2), 12)

      expect(evaluation).toMatchObject({ split: 'folds', examples: ROWS, calibration: null })
      const counts = evaluation.confusionMatrix.counts.flat()
      expect(counts.reduce((sum, count) => sum + count)).toBe(ROWS)
      const right = folds.reduce((sum, { metrics, examples }) => sum + (metrics.accuracy ?? 0) * examples, 0)
      expect(evaluation.metrics.accuracy).toBeCloseTo(right / ROWS, 12)
      expect(evaluation.metrics.accuracy).toBeGreaterThan(0.8)
      expect(description.metrics).toMatchObject({
        loss: evaluation.loss,
        accuracy: evaluation.metrics.accuracy,
      })
      const { actual, predicted, rows: some } = await readOutcomes(setup.blobs, outcomes ?? '')
      const isRight = Array.from(actual, (label, row) => (label === predicted[row] ? 1 : 0))
      const { fits } = await chooseExamples(setup.blobs, setup.job)
      expect(some).toBeNull() // all rows of the split, in their order
      expect(actual).toEqual(fits.at(-1)?.train.targets)
      folds.forEach(({ metrics, examples }, index) => {
        const held = fits[index]?.validation?.rows ?? new Int32Array()
        const hits = held.reduce((sum, row) => sum + (isRight[row] ?? 0), 0)
        expect(hits / examples).toBeCloseTo(metrics.accuracy ?? 0, 12)
      })
    },
  )

  it.skipIf(engine === null)('makes the very model of a job without validation', async () => {
    const folds = await attempt(await createHouses({ hidden: NOISY }), { engine: engine as Engine })
    const plain = await createHouses({ hidden: NOISY, training: { validation: null } })
    expect(weightsOf(folds)).toBe(weightsOf(await attempt(plain, { engine: engine as Engine })))
  })
})

describe('cross-validation', () => {
  it.skipIf(tensorflow === null)('gives the same figures on both engines', async () => {
    const setup = await createHouses({ task: 'regression', training: { epochs: 4 } })
    const [one, other] = [await attempt(setup), await attempt(setup, { engine: tensorflow as Engine })]
    const [a, b] = [foldsOf(finishedOf(one)), foldsOf(finishedOf(other))]
    for (const [index, { loss, metrics }] of a.folds.entries()) {
      expect(b.folds[index]?.loss).toBeCloseTo(loss, 4)
      expect(b.folds[index]?.metrics.r2).toBeCloseTo(metrics.r2 ?? 0, 4)
    }
  })

  it.each(['regression', 'multiLabel'] as const)('of a %s reports on every row once', async task => {
    const { evaluation } = finishedOf(await attempt(await createHouses({ task, training: { epochs: 15 } })))
    expect(evaluation).toMatchObject({ task, split: 'folds', examples: ROWS })
    const { folds, mean } = foldsOf({ evaluation })
    if (evaluation?.task === 'regression') {
      const [price] = evaluation.targets
      const errors = folds.map(({ metrics, examples }) => (metrics.meanAbsoluteError ?? 0) * examples)
      const together = errors.reduce((sum, error) => sum + error) / ROWS
      expect(price?.meanAbsoluteError).toBeCloseTo(together, 4)
      expect(evaluation.metrics.meanAbsoluteError).toBeCloseTo(together, 4)
      expect(price?.r2).toBeGreaterThan(0.5)
    } else expect(mean.metrics.accuracy).toBeGreaterThan(0.7)
  })

  it('learns the figures of the preprocessing from the rows that a fit trains on', async () => {
    const { blobs, job } = await createHouses({ task: 'regression' })
    const examples = await chooseExamples(blobs, job)
    const { cells } = houses(ROWS, 1)
    const centers = new Set<number>()
    for (const fit of examples.fits) {
      const { fitted } = await planData(blobs, job, examples, fit)
      const area = 'columns' in fitted ? fitted.columns.area : null
      const sum = fit.train.rows.reduce((total, row) => total + (cells[row * HOUSE_COLUMNS.length] ?? 0), 0)
      const center = area && 'center' in area ? Number(area.center) : Number.NaN
      expect(center).toBeCloseTo(sum / fit.train.count, 9)
      centers.add(center)
    }
    expect(centers.size).toBe(4)
    expect(examples.fits.at(-1)).toMatchObject({ fold: null, train: { count: ROWS }, validation: null })
  })

  it('reports on the test split where there is one, beside the folds', async () => {
    const { evaluation, outcomes } = finishedOf(await attempt(await createHouses({ test: true })))
    expect(evaluation).toMatchObject({ split: 'test', examples: 40 })
    expect(foldsOf({ evaluation }).folds).toHaveLength(3)
    expect(outcomes).toEqual(expect.any(String))
  })

  it('keeps groups whole, and tells the steps that this makes', async () => {
    const training = { validation: { folds: 3, group: 'street', stratify: true }, batchSize: 1 }
    const setup = await createHouses({ training })
    const { fits } = await chooseExamples(setup.blobs, setup.job)
    const streets = fits.map(({ validation }) => new Set(Array.from(validation?.rows ?? [], row => row % 7)))
    expect(streets.flatMap(own => [...own]).sort()).toEqual([0, 1, 2, 3, 4, 5, 6])
    const messages = await attempt(await createHouses({ training: { ...training, batchSize: 34 } }))
    const last = rowsOf(messages).at(-1)?.step
    expect(find(messages, 'planned').map(({ steps }) => steps)).toEqual([last])
  })

  it('is refused with DATASET_INVALID when there are fewer groups than folds', async () => {
    const setup = await createHouses({ training: { validation: { folds: 8, group: 'street' } } })
    await expect(attempt(setup)).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: 'each of 8 folds must have a group of its own; the column street has 7 groups',
    })
  })

  it('says in which fold the loss was lost', async () => {
    const optimizer = { type: 'sgd', learningRate: 1e9 } as const
    const setup = await createHouses({ task: 'regression', training: { optimizer } })
    await expect(attempt(setup)).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: expect.stringMatching(/epoch \d of fold 1/),
    })
  })

  it('with data larger than memory holds each row out once, and gives the figures of one in memory', async () => {
    const rowBytes = HOUSE_COLUMNS.length * 8
    const still = { optimizer: { type: 'sgd', learningRate: 1e-30 }, validation: { folds: 4 } } as const
    const [blocks, whole] = [
      await createHouses({ training: still, residentBytesMax: 80 * rowBytes }),
      await createHouses({ training: still }),
    ]
    const { fits } = await chooseExamples(blocks.blobs, blocks.job)
    for (const { train, validation } of fits) {
      expect(train.blocks.length).toBeGreaterThan(2)
      for (const { rows } of [...train.blocks, ...(validation?.blocks ?? [])]) {
        expect(rows.to - rows.from).toBeLessThanOrEqual(40) // a half of what may be in memory
      }
    }
    const held = fits.flatMap(({ validation }) => Array.from(validation?.rows ?? []))
    expect(held.sort((a, b) => a - b)).toEqual(Array.from({ length: ROWS }, (_, row) => row))
    const [a, b] = [finishedOf(await attempt(blocks)), finishedOf(await attempt(whole))]
    foldsOf(a).folds.forEach(({ examples, metrics }, index) => {
      expect(foldsOf(b).folds[index]).toMatchObject({ examples, metrics: { accuracy: metrics.accuracy } })
    })
  })
})

describe('early stopping with folds', () => {
  /** The third epoch is the first that counts, and none is better by so much. */
  const rule = { monitor: 'valLoss', minDelta: 100, startFromEpoch: 2, patience: 2 }
  const foldsAndEpochs = (messages: readonly TrainerMessage[]) =>
    rowsOf(messages).map(({ fold = null, epoch }) => [fold, epoch])

  it('stops each fit by itself; the model is trained as long as the weights of the folds were', async () => {
    const training = { epochs: 9, earlyStopping: { ...rule, restoreBest: true } }
    const messages = await attempt(await createHouses({ training }))
    expect(foldsAndEpochs(messages)).toEqual([
      ...[1, 2, 3, 4, 5].map(epoch => [1, epoch]),
      ...[6, 7, 8, 9, 10].map(epoch => [2, epoch]),
      ...[11, 12, 13, 14, 15].map(epoch => [3, epoch]),
      ...[16, 17, 18].map(epoch => [null, epoch]),
    ])
    expect(foldsOf(finishedOf(messages)).folds.map(({ epochs }) => epochs)).toEqual([3, 3, 3])
    const plain = await createHouses({ training: { epochs: 3, validation: null } })
    expect(weightsOf(messages)).toBe(weightsOf(await attempt(plain)))
  })

  it('trains the model for as many epochs as the folds where the last weights count', async () => {
    const messages = await attempt(await createHouses({ training: { epochs: 9, earlyStopping: rule } }))
    expect(foldsAndEpochs(messages).at(-1)).toEqual([null, 20])
  })

  it('that watches the training stops the model too', async () => {
    const earlyStopping = { ...rule, monitor: 'loss' }
    const messages = await attempt(await createHouses({ training: { epochs: 9, earlyStopping } }))
    expect(foldsAndEpochs(messages).at(-1)).toEqual([null, 20])
  })
})

describe('cross-validation that is stopped and resumed', () => {
  /** Stops behind each of these steps, and goes on from the checkpoint. */
  async function attemptWithStops(setup: Setup, steps: readonly number[], engine: Engine = portable) {
    const parts: TrainerMessage[][] = []
    let checkpoints: CheckpointRecord[] = []
    for (const step of steps) {
      const part = await attempt(setup, {
        engine,
        checkpoints,
        stops: message => message.type === 'progress' && message.progress.step >= step,
      })
      expect(part.at(-1), `a stop at step ${step}`).toEqual({ type: 'stopped' })
      const made = part.flatMap(message =>
        message.type === 'checkpoint' || message.type === 'epoch' ? (message.checkpoint ?? []) : [],
      )
      checkpoints = [...made.reverse(), ...checkpoints]
      parts.push(part)
    }
    parts.push(await attempt(setup, { engine, checkpoints }))
    return parts
  }

  function expectSame(parts: readonly TrainerMessage[][], whole: readonly TrainerMessage[]) {
    const all = parts.flat()
    expect(rowsOf(all)).toEqual(rowsOf(whole))
    expect(weightsOf(all)).toBe(weightsOf(whole))
    expect(finishedOf(all).evaluation).toEqual(finishedOf(whole).evaluation)
  }

  const HARD: Change = {
    hidden: NOISY,
    training: {
      epochs: 4,
      metrics: ['accuracy', 'auc', 'logLoss'],
      optimizer: { type: 'nadam', learningRate: 0.02 },
      learningRateSchedule: { type: 'oneCycle' },
      earlyStopping: { monitor: 'valLoss', patience: 1, restoreBest: true },
      reduceOnPlateau: { patience: 1 },
    },
  }

  // A fold's epoch has 8 steps: 66 or 67 rows by 9; an epoch of the model 12.
  it.each([
    ['in the middle of each fit', [3, 40, 75, 100]],
    ['step by step over the end of a fit', [30, 31, 32, 33, 34]],
    ['at the very end of a fit', [32, 64, 96]],
  ])('%s ends exactly as one that never was', async (_where, steps) => {
    const setup = await createHouses({
      ...HARD,
      training: { ...HARD.training, earlyStopping: undefined } as never,
    })
    const whole = await attempt(setup)
    expect(rowsOf(whole).at(-1)?.step).toBe(3 * 32 + 48)
    expectSame(await attemptWithStops(setup, steps), whole)
  })

  it('ends exactly as one that never was where fits stop early', async () => {
    const setup = await createHouses(HARD)
    const whole = await attempt(setup)
    const steps = [1, ...rowsOf(whole).map(({ step }) => step + 1)].slice(0, -1) // of each epoch the first
    expectSame(await attemptWithStops(setup, steps), whole)
  })

  it.skipIf(tensorflow === null)('ends exactly as one that never was on the tensorflow engine', async () => {
    const setup = await createHouses(HARD)
    const whole = await attempt(setup, { engine: tensorflow as Engine })
    expectSame(await attemptWithStops(setup, [3, 40], tensorflow as Engine), whole)
  })

  it('ends exactly as one that never was with images that are changed in each epoch, in blocks', async () => {
    const training = { augmentation: { shift: 0.2, noise: 0.1 } }
    const setup = await createStripes({ training, residentBytesMax: 36 * 36 * 4 })
    const whole = await attempt(setup)
    expectSame(await attemptWithStops(setup, [3, 25, 50]), whole)
    const { folds } = foldsOf(finishedOf(whole))
    expect(folds.map(({ examples }) => examples)).toEqual([34, 33, 33])
  })

  it('tells at every moment how much is left of all fits', async () => {
    const setup = await createHouses()
    const progress = find(await attempt(setup), 'progress').map(message => message.progress)
    const steps = progress.map(({ step }) => step)
    expect(steps).toEqual(steps.toSorted((a, b) => a - b))
    expect(steps.at(-1)).toBe(setup.spec.steps)
    const [first] = progress
    const examples = 2 * (66 + 67 + 67 + ROWS) - 9
    expect(first?.etaSeconds).toBeCloseTo(examples / (first?.examplesPerSecond ?? 1), 9)
  })
})
