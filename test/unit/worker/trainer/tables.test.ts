import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../../src/config.ts'
import type { Task } from '../../../../src/datasets/columns.ts'
import { createPredictor } from '../../../../src/inference/predictor.ts'
import { resolveSpec } from '../../../../src/jobs/resolve-spec.ts'
import type { JobRequest } from '../../../../src/jobs/schemas.ts'
import { readArtifact } from '../../../../src/models/artifact.ts'
import type { Preprocessing } from '../../../../src/preprocessing/preprocessing.ts'
import { createDiskBlobStore } from '../../../../src/storage/disk-blob-store.ts'
import type { Engine } from '../../../../worker/engines/engine.ts'
import { createPortableEngine } from '../../../../worker/engines/portable/engine.ts'
import { createTensorflowEngine } from '../../../../worker/engines/tensorflow/engine.ts'
import { findAddon } from '../../../../worker/engines/tensorflow/locate.ts'
import type { TrainerJob, TrainerMessage } from '../../../../worker/trainer/messages.ts'
import { runTraining } from '../../../../worker/trainer/run-training.ts'
import { createTestFolder } from '../../../helpers/folder.ts'
import { HOUSE_COLUMNS, houses, storeHouses } from '../../../helpers/tables.ts'

const addon = findAddon(readConfig({}).tensorflowDir)
const portable = await createPortableEngine()
const ENGINES: { name: string; engine: Engine | null }[] = [
  { name: 'portable', engine: portable },
  { name: 'tensorflow', engine: addon ? createTensorflowEngine(addon, 2) : null },
]

const OUTPUT = { classification: 'softmax', multiLabel: 'sigmoid', regression: 'linear' } as const

async function createJob(
  task: Task,
  change: {
    training?: JobRequest['training']
    preprocessing?: JobRequest['preprocessing']
    residentBytesMax?: number
  } = {},
) {
  const folder = await createTestFolder()
  const blobs = createDiskBlobStore(folder)
  const dataset = await storeHouses(blobs, task, { train: 210, test: 60 })
  const units = task === 'regression' ? 1 : 2
  const request: JobRequest = {
    datasetId: 'ds_1',
    network: {
      layers: [
        { type: 'dense', units: 16, activation: 'relu' },
        { type: 'dense', units, activation: OUTPUT[task] },
      ],
    },
    training: {
      epochs: 30,
      batchSize: 16,
      optimizer: { type: 'adam', learningRate: 0.02 },
      seed: 5,
      ...change.training,
    },
    ...(change.preprocessing && { preprocessing: change.preprocessing }),
  }
  const limits = { trainerBytesMax: 1e12, residentBytesMax: change.residentBytesMax ?? 1e6 }
  const spec = resolveSpec(request, dataset, limits, 0)
  if ('errors' in spec) throw new Error(JSON.stringify(spec.errors))
  const job: TrainerJob = {
    jobId: 'job_1',
    storage: { kind: 'disk', folder },
    checkpointSeconds: 1_000,
    residentBytesMax: limits.residentBytesMax,
    dataset: { ...dataset, id: 'ds_1', sha256: 'f'.repeat(64) },
    network: spec.network,
    training: spec.training,
    preprocessing: spec.preprocessing as Preprocessing, // without a base model there are no figures
    isFitted: false,
    parameterCount: spec.parameterCount,
    base: null,
    checkpoints: [],
  }
  return { blobs, job }
}

type Setup = Awaited<ReturnType<typeof createJob>>

async function train({ blobs, job }: Setup, engine: Engine): Promise<TrainerMessage[]> {
  const sent: TrainerMessage[] = []
  const send = (message: TrainerMessage) => void sent.push(message)
  await runTraining({ engine, blobs, send, stopRequest: () => null }, job)
  return sent
}

function finishedOf(messages: readonly TrainerMessage[]) {
  const finished = messages.find(message => message.type === 'finished')
  if (finished?.type !== 'finished') throw new Error('the training must have finished')
  return finished
}

const lastMetrics = (messages: readonly TrainerMessage[]) =>
  messages.flatMap(message => (message.type === 'epoch' ? [message.epoch.metrics] : [])).at(-1)

describe.each(ENGINES)('on the $name engine', ({ engine }) => {
  it.skipIf(engine === null)('a regression learns prices, and reports in their units', async () => {
    const setup = await createJob('regression')
    const messages = await train(setup, engine as Engine)
    const { evaluation } = finishedOf(messages)
    if (evaluation?.task !== 'regression') throw new Error('the report must be of a regression')
    const [price] = evaluation.targets
    expect(price).toMatchObject({ name: 'price' })
    expect(price?.r2).toBeGreaterThan(0.97)
    expect(price?.meanAbsoluteError).toBeGreaterThan(0.5)
    expect(price?.meanAbsoluteError).toBeLessThan(12) // an age that is missing costs up to 20
    expect(lastMetrics(messages)?.valMeanAbsoluteError).toBeCloseTo(price?.meanAbsoluteError ?? 0, 4)
    expect(lastMetrics(messages)?.valLoss).toBeLessThan(0.1) // on standardized prices
  })

  it.skipIf(engine === null)('several labels are learnt each by itself', async () => {
    const { evaluation } = finishedOf(await train(await createJob('multiLabel'), engine as Engine))
    if (evaluation?.task !== 'multiLabel') throw new Error('the report must be of several labels')
    expect(evaluation.classes.map(({ label }) => label)).toEqual(['dear', 'very dear'])
    expect(evaluation.metrics.accuracy).toBeGreaterThan(0.9)
    expect(evaluation.exactMatches).toBeGreaterThan(0.8)
  })

  it.skipIf(engine === null)('classes are learnt from columns', async () => {
    const { evaluation } = finishedOf(await train(await createJob('classification'), engine as Engine))
    expect(evaluation?.metrics.accuracy).toBeGreaterThan(0.9)
  })

  it.skipIf(engine === null)('the stored model predicts training rows as the trainer does', async () => {
    const setup = await createJob('regression')
    const { artifact, evaluation } = finishedOf(await train(setup, engine as Engine))
    const predictor = createPredictor(await readArtifact(setup.blobs, artifact.files))
    const { cells, prices } = houses(60, 2)
    const predicted = predictor.predict(cells, 60)
    const error = predicted.reduce((sum, price, row) => sum + Math.abs(price - (prices[row] ?? 0)), 0) / 60
    if (evaluation?.task !== 'regression') throw new Error('the report must be of a regression')
    expect(error).toBeCloseTo(evaluation.targets[0]?.meanAbsoluteError ?? 0, 3)
  })
})

describe('a table', () => {
  it('in blocks is trained like one in memory: as well, and in the same features', async () => {
    const rowBytes = 5 * 4 + HOUSE_COLUMNS.length * 8
    const setup = await createJob('regression', { residentBytesMax: 64 * rowBytes })
    const { evaluation } = finishedOf(await train(setup, portable))
    if (evaluation?.task !== 'regression') throw new Error('the report must be of a regression')
    expect(evaluation.targets[0]?.r2).toBeGreaterThan(0.95)
  })

  it('is validated on whole groups, on the latest, or with every class in proportion', async () => {
    for (const validation of [
      { fraction: 0.2, group: 'street' },
      { fraction: 0.2, time: 'area' },
      { fraction: 0.2, stratify: true },
    ]) {
      const setup = await createJob('classification', { training: { epochs: 1, validation } })
      expect(
        lastMetrics(await train(setup, portable))?.valAccuracy,
        JSON.stringify(validation),
      ).toBeGreaterThan(0)
    }
  })

  it('without a column does not know it', async () => {
    const preprocessing = { columns: { area: null, age: null } }
    const { evaluation } = finishedOf(await train(await createJob('regression', { preprocessing }), portable))
    if (evaluation?.task !== 'regression') throw new Error('the report must be of a regression')
    expect(evaluation.targets[0]?.r2).toBeLessThan(0.3)
  })
})
