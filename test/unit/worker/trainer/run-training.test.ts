import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { StoredSplit } from '../../../../src/datasets/content.ts'
import type { CheckpointRecord } from '../../../../src/jobs/attempt-repository.ts'
import type { TrainingSpec } from '../../../../src/jobs/training-spec.ts'
import type { Evaluation } from '../../../../src/metrics/evaluation-report.ts'
import type { ActivationName } from '../../../../src/mlp/activations/registry.ts'
import { resolveLoss } from '../../../../src/mlp/losses/registry.ts'
import { countParameters, resolveNetwork } from '../../../../src/mlp/network.ts'
import { resolveOptimizer } from '../../../../src/mlp/optimizers/registry.ts'
import { resolveSchedule } from '../../../../src/mlp/schedules/schedule.ts'
import { readArtifact } from '../../../../src/models/artifact.ts'
import { createDiskBlobStore } from '../../../../src/storage/disk-blob-store.ts'
import type { Engine } from '../../../../worker/engines/engine.ts'
import { createPortableEngine } from '../../../../worker/engines/portable/engine.ts'
import type { TrainerJob, TrainerMessage } from '../../../../worker/trainer/messages.ts'
import { runTraining } from '../../../../worker/trainer/run-training.ts'
import { createTestFolder } from '../../../helpers/folder.ts'
import { stripes } from '../../../helpers/idx.ts'
import type { LayerRequests } from '../../../helpers/small-network.ts'

const engine = await createPortableEngine()

/** A stored dataset of striped images, and a job on it. */
async function createJob(
  change: {
    layers?: LayerRequests
    hidden?: ActivationName
    output?: ActivationName
    scale?: number
    training?: Partial<TrainingSpec>
    residentBytesMax?: number
    /** Examples of a test split. */
    test?: number
  } = {},
) {
  const folder = await createTestFolder()
  const blobs = createDiskBlobStore(folder)
  const store = async (examples: number, seed: number): Promise<StoredSplit> => {
    const { images, labels } = stripes(examples, 3, 6, seed)
    const classes = Int32Array.from(labels.subarray(8))
    return {
      examples,
      classCounts: {},
      features: (await blobs.put(images.subarray(16))).sha256,
      labels: (await blobs.put(Buffer.from(classes.buffer))).sha256,
    }
  }
  const network = resolveNetwork({
    layers: change.layers ?? [
      { type: 'dense', units: 8, activation: change.hidden ?? 'tanh' },
      { type: 'dense', units: 3, activation: change.output ?? 'softmax' },
    ],
  })
  const job: TrainerJob = {
    jobId: 'job_1',
    storage: { kind: 'disk', folder },
    checkpointSeconds: 1_000,
    residentBytesMax: change.residentBytesMax ?? 1e6,
    dataset: {
      id: 'ds_1',
      sha256: 'f'.repeat(64),
      shape: [6, 6, 1],
      dtype: 'uint8',
      kind: 'image',
      columns: null,
      task: 'classification',
      targets: [],
      classes: ['top', 'second', 'third'],
      splits: {
        train: await store(100, 1),
        ...(change.test !== undefined && { test: await store(change.test, 2) }),
      },
    },
    network,
    training: {
      epochs: 4,
      batchSize: 7,
      loss: resolveLoss('categoricalCrossentropy'),
      optimizer: resolveOptimizer({ type: 'adam', learningRate: 0.03 }),
      metrics: ['accuracy'],
      validation: { fraction: 0.2 },
      learningRateSchedule: resolveSchedule(undefined, 0),
      seed: 11,
      maxRuntimeSeconds: null,
      ...change.training,
    },
    preprocessing: { scale: change.scale ?? 1 / 255 },
    isFitted: false,
    parameterCount: countParameters(network, 36),
    base: null,
    checkpoints: [],
  }
  return { blobs, folder, job: job as TrainerJob }
}

type Setup = Awaited<ReturnType<typeof createJob>>

/** Runs an attempt until its end, or until `stops` says so at a message; gives all that it sent. */
async function attempt(
  { blobs, job }: Setup,
  checkpoints: readonly CheckpointRecord[] = [],
  stops: (message: TrainerMessage) => boolean = () => false,
  runOn: Engine = engine,
): Promise<TrainerMessage[]> {
  const sent: TrainerMessage[] = []
  let stopRequest: { checkpoint: boolean } | null = null
  const send = (message: TrainerMessage) => {
    sent.push(message)
    if (stops(message)) stopRequest = { checkpoint: true }
  }
  const deps = { engine: runOn, blobs, send, stopRequest: () => stopRequest }
  await runTraining(deps, { ...job, checkpoints })
  return sent
}

const find = <Type extends TrainerMessage['type']>(messages: readonly TrainerMessage[], type: Type) =>
  messages.filter((message): message is Extract<TrainerMessage, { type: Type }> => message.type === type)

const weightsOf = (messages: readonly TrainerMessage[]) =>
  find(messages, 'finished').map(({ artifact }) => artifact.files['weights.bin'])

const epochsOf = (messages: readonly TrainerMessage[]) =>
  find(messages, 'epoch').map(({ epoch: { epoch, step, metrics, learningRate } }) => ({
    epoch,
    step,
    metrics,
    learningRate,
  }))

const checkpointOf = (messages: readonly TrainerMessage[]) =>
  find(messages, 'checkpoint').flatMap(({ checkpoint }) => checkpoint)

const isProgress = ({ type }: TrainerMessage) => type === 'progress'

/** Stops over the end of the first two epochs, one step into the next, then after five single steps. */
async function attemptWithStops(setup: Setup): Promise<TrainerMessage[][]> {
  const parts: TrainerMessage[][] = []
  let checkpoints: CheckpointRecord[] = []
  const resumeUntil = async (stops: (message: TrainerMessage) => boolean) => {
    const part = await attempt(setup, checkpoints, stops)
    checkpoints = checkpointOf(part)
    expect(part.at(-1)).toEqual({ type: 'stopped' })
    expect(checkpoints).toHaveLength(1)
    parts.push(part)
  }
  for (let stop = 0; stop < 2; stop++) {
    let isOver = false
    await resumeUntil(message => {
      const stops = isOver && isProgress(message)
      isOver ||= message.type === 'epoch'
      return stops
    })
  }
  for (let stop = 0; stop < 5; stop++) await resumeUntil(isProgress)
  parts.push(await attempt(setup, checkpoints))
  return parts
}

function expectSameTraining(messages: readonly TrainerMessage[], whole: readonly TrainerMessage[]) {
  expect(weightsOf(whole)).toHaveLength(1)
  expect(epochsOf(messages)).toEqual(epochsOf(whole))
  expect(weightsOf(messages)).toEqual(weightsOf(whole))
  expect(find(messages, 'finished')[0]?.evaluation).toEqual(find(whole, 'finished')[0]?.evaluation)
}

describe('a training', () => {
  it('that is stopped again and again and resumed ends exactly as one that never was', async () => {
    // Unscaled features make losses of very different sizes, whose sum must not depend on the stops.
    const setup = await createJob({ hidden: 'linear', scale: 1 })
    const whole = await attempt(setup)
    const parts = await attemptWithStops(setup)
    const steps = parts.flatMap(checkpointOf).map(({ step }) => step)
    expect(steps).toEqual([13, 25, 26, 27, 28, 29, 30]) // an epoch has 12 steps: 80 examples by 7
    expectSameTraining(parts.flat(), whole)
    expect(epochsOf(whole).map(({ step }) => step)).toEqual([12, 24, 36, 48])
  })

  it.each([
    ['damaged', (file: string) => writeFile(file, 'not what it was')],
    ['missing', (file: string) => rm(file)],
  ])('goes on from the checkpoint before when the newest is %s', async (_, spoil) => {
    const setup = await createJob()
    const whole = await attempt(setup)
    const older = checkpointOf(await attempt(setup, [], isProgress))
    const newest = checkpointOf(await attempt(setup, older, isProgress))
    const sha256 = newest[0]?.sha256 ?? ''
    await spoil(path.join(setup.folder, 'blobs', sha256.slice(0, 2), sha256))
    const resumed = await attempt(setup, [...newest, ...older])
    expect(newest[0]?.step).toBe(2)
    expect(find(resumed, 'progress')[0]?.progress.step).toBe(2) // one step after the older checkpoint
    expect(weightsOf(resumed)).toEqual(weightsOf(whole))
  })

  it('learns, and stores a model whose metrics are those of its evaluation', async () => {
    const setup = await createJob()
    const [finished] = find(await attempt(setup), 'finished')
    if (!finished) throw new Error('the training has finished')
    const { artifact, description, evaluation } = finished
    expect(evaluation).toMatchObject({ split: 'validation', examples: 20, metrics: { accuracy: 1 } })
    expect(description.metrics).toEqual({ loss: evaluation?.loss, ...evaluation?.metrics })
    expect(evaluation?.metrics).toMatchObject({ auc: 1, logLoss: expect.closeTo(evaluation?.loss ?? 0, 6) })
    const { manifest, weights } = await readArtifact(setup.blobs, artifact.files)
    expect(manifest).toMatchObject({ jobId: 'job_1', kind: 'classification', training: { seed: 11 } })
    expect([...weights.keys()]).toEqual(['dense_1/kernel', 'dense_1/bias', 'dense_2/kernel', 'dense_2/bias'])
  })

  it('stops without a checkpoint when none is asked for', async () => {
    const { blobs, job } = await createJob()
    const sent: TrainerMessage[] = []
    const send = (message: TrainerMessage) => void sent.push(message)
    const stopRequest = () => (sent.some(isProgress) ? { checkpoint: false } : null)
    await runTraining({ engine, blobs, send, stopRequest }, job)
    expect(sent.map(({ type }) => type)).toEqual(['progress', 'stopped'])
  })

  it.each([
    ['tanh', 'linear'],
    ['relu', 'linear'],
    ['linear', 'linear'],
  ] as const)(
    'of %s and %s with a learning rate of a billion fails with TRAINING_DIVERGED',
    async (hidden, output) => {
      const optimizer = resolveOptimizer({ type: 'sgd', learningRate: 1e9 })
      const training = { optimizer, loss: resolveLoss('meanSquaredError') }
      const setup = await createJob({ training, hidden, output })
      await expect(attempt(setup)).rejects.toMatchObject({
        code: 'TRAINING_DIVERGED',
        message: expect.stringContaining('smaller learning rate than 1000000000'),
      })
    },
  )
})

describe('a training that begins with a base model', () => {
  /** Steps too small to change a float32. */
  const STILL = { epochs: 1, optimizer: resolveOptimizer({ type: 'sgd', learningRate: 1e-30 }) }

  /** A trained model, and a job that takes some of its layers. */
  async function createWarmJob(layers: string[], training: Partial<TrainingSpec>) {
    const setup = await createJob({ layers: NOISY })
    const [base] = find(await attempt(setup), 'finished')
    if (!base) throw new Error('the training has finished')
    const job: TrainerJob = {
      ...setup.job,
      training: { ...setup.job.training, seed: 12, ...training },
      base: {
        name: 'stripes',
        version: 1,
        sha256: base.artifact.sha256,
        layers: 'matching',
        takenLayers: layers.map(layer => ({ layer, from: layer })),
        newLayers: [],
        keptPreprocessing: false,
        files: base.artifact.files,
      },
    }
    const { weights } = await readArtifact(setup.blobs, base.artifact.files)
    return { setup: { ...setup, job }, weights }
  }

  async function readWeights({ blobs }: Setup, messages: readonly TrainerMessage[]) {
    const [finished] = find(messages, 'finished')
    if (!finished) throw new Error('the training has finished')
    return (await readArtifact(blobs, finished.artifact.files)).weights
  }

  it('takes the weights of the layers that it is told to take, and draws the others', async () => {
    const { setup, weights } = await createWarmJob(['dense_1'], STILL)
    const warm = await readWeights(setup, await attempt(setup))
    const cold = await readWeights(setup, await attempt({ ...setup, job: { ...setup.job, base: null } }))
    expect(warm.get('dense_1/kernel')).toEqual(weights.get('dense_1/kernel'))
    expect(warm.get('dense_5/kernel')).toEqual(cold.get('dense_5/kernel'))
    expect(warm.get('dense_5/kernel')).not.toEqual(weights.get('dense_5/kernel'))
  })

  it('takes moving means too, and leaves those of a frozen layer as they are', async () => {
    const { setup, weights } = await createWarmJob(['dense_1', 'batchNormalization_2', 'dense_5'], {})
    const layers = setup.job.network.layers.map((layer, index) =>
      index < 2 ? { ...layer, trainable: false as const } : layer,
    ) as TrainerJob['network']['layers']
    const trained = await readWeights(
      setup,
      await attempt({ ...setup, job: { ...setup.job, network: { layers } } }),
    )
    for (const [name, array] of weights) {
      if (name.startsWith('dense_5')) expect(trained.get(name), name).not.toEqual(array)
      else expect(trained.get(name), name).toEqual(array)
    }
  })

  it('ends exactly as one that was never stopped when it is resumed', async () => {
    const { setup } = await createWarmJob(['dense_1', 'batchNormalization_2'], {})
    const whole = await attempt(setup)
    expectSameTraining((await attemptWithStops(setup)).flat(), whole)
    expect(find(whole, 'finished')[0]?.description.baseModel).toMatchObject({ name: 'stripes', version: 1 })
  })

  it('fails with MODEL_DAMAGED when a file of the base is not what it was', async () => {
    const { setup } = await createWarmJob(['dense_1'], {})
    const sha256 = setup.job.base?.files['weights.bin'] ?? ''
    await writeFile(path.join(setup.folder, 'blobs', sha256.slice(0, 2), sha256), 'spoilt')
    await expect(attempt(setup)).rejects.toMatchObject({ code: 'MODEL_DAMAGED' })
  })

  it('prepares features with the figures of the base where it shall', async () => {
    const { setup } = await createWarmJob(['dense_1'], STILL)
    const kept = { centers: Array(36).fill(3), spreads: Array(36).fill(4) }
    const job: TrainerJob = { ...setup.job, preprocessing: kept, isFitted: true }
    const [finished] = find(await attempt({ ...setup, job }), 'finished')
    expect(finished?.description.preprocessing).toEqual(kept)
  })
})

/** Dropout and batch normalisation: what differs from step to step, and from training to prediction. */
const NOISY: LayerRequests = [
  { type: 'dense', units: 8, activation: 'linear', useBias: false },
  { type: 'batchNormalization', momentum: 0.9 },
  { type: 'activation', activation: 'relu' },
  { type: 'dropout', rate: 0.3 },
  { type: 'dense', units: 3, activation: 'softmax' },
]

const METRICS = ['accuracy', 'auc', 'top2Accuracy', 'f1', 'logLoss', 'meanSquaredError', 'r2']

describe('early stopping', () => {
  /** The third epoch is the first that counts, and none is better by so much. */
  const rule = { monitor: 'valLoss', minDelta: 100, startFromEpoch: 2, patience: 2 }
  const train = (training: Partial<TrainingSpec>) => createJob({ layers: NOISY, training })

  it('ends a training early, with the weights of the best epoch where it shall restore them', async () => {
    const stopped = await attempt(await train({ epochs: 9, earlyStopping: { ...rule, restoreBest: true } }))
    const three = await attempt(await train({ epochs: 3 }))
    expect(epochsOf(stopped).map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5])
    expect(epochsOf(stopped).slice(0, 3)).toEqual(epochsOf(three))
    expect(weightsOf(stopped)).toEqual(weightsOf(three))
    expect(find(stopped, 'finished')[0]?.evaluation).toEqual(find(three, 'finished')[0]?.evaluation)
  })

  it('leaves the weights of the last epoch otherwise', async () => {
    const stopped = await attempt(await train({ epochs: 9, earlyStopping: { ...rule, restoreBest: false } }))
    const five = await attempt(await train({ epochs: 5 }))
    expectSameTraining(stopped, five)
  })

  it('restores the best weights also when all epochs are trained', async () => {
    const earlyStopping = { ...rule, patience: 50, restoreBest: true }
    const all = await attempt(await train({ epochs: 4, earlyStopping }))
    expect(epochsOf(all)).toHaveLength(4)
    expect(weightsOf(all)).toEqual(weightsOf(await attempt(await train({ epochs: 3 }))))
  })

  it('is over for an attempt too that begins behind its last epoch', async () => {
    const setup = await train({ epochs: 9, earlyStopping: { ...rule, restoreBest: true } })
    const whole = await attempt(setup)
    const last = find(whole, 'epoch').at(-1)?.checkpoint
    if (!last) throw new Error('the last epoch has a checkpoint')
    const again = await attempt(setup, [last])
    expect(find(again, 'epoch')).toEqual([])
    expect(weightsOf(again)).toEqual(weightsOf(whole))
  })
})

describe('a training with everything that has a memory', () => {
  it('that is stopped again and again and resumed ends exactly as one that never was', async () => {
    const setup = await createJob({
      layers: NOISY,
      training: {
        epochs: 9,
        metrics: METRICS,
        optimizer: resolveOptimizer({ type: 'nadam', learningRate: 0.02, weightDecay: 0.01, clipNorm: 1 }),
        learningRateSchedule: resolveSchedule({ type: 'cosine', warmupSteps: 5 }, 9 * 12),
        earlyStopping: {
          monitor: 'valLoss',
          minDelta: 100,
          startFromEpoch: 1,
          patience: 4,
          restoreBest: true,
        },
        reduceOnPlateau: {
          monitor: 'loss',
          minDelta: 100,
          factor: 0.5,
          patience: 1,
          cooldown: 0,
          minLearningRate: 0,
        },
        classWeight: { top: 1, second: 2, third: 0.5 },
      },
    })
    const whole = await attempt(setup)
    const rows = epochsOf(whole)
    expect(rows).toHaveLength(6) // the second is the best
    for (const { metrics } of rows) {
      const names = METRICS.flatMap(name => [name, `val${name.charAt(0).toUpperCase()}${name.slice(1)}`])
      expect(Object.keys(metrics).sort()).toEqual(['loss', 'valLoss', ...names].sort())
      for (const value of Object.values(metrics)) expect(value).toEqual(expect.any(Number))
    }
    expectSameTraining((await attemptWithStops(setup)).flat(), whole)
  })

  it('halves its learning rate on every plateau', async () => {
    const plateau = { minDelta: 100, factor: 0.5, patience: 1, cooldown: 0, minLearningRate: 0.01 }
    const training = { epochs: 5, reduceOnPlateau: { monitor: 'valLoss', ...plateau } }
    const rows = epochsOf(await attempt(await createJob({ training })))
    // The first epoch is the best of all; the others are a plateau each.
    expect(rows.map(({ learningRate }) => learningRate)).toEqual([0.03, 0.03, 0.015, 0.01, 0.01])
  })

  it('follows its schedule over all steps', async () => {
    const learningRateSchedule = resolveSchedule({ type: 'step', everySteps: 12, factor: 0.5 }, 48)
    const rows = epochsOf(await attempt(await createJob({ training: { learningRateSchedule } })))
    expect(rows.map(({ learningRate }) => learningRate)).toEqual([0.03, 0.015, 0.0075, 0.00375])
  })

  it('says null where a metric is not defined, and trains on', async () => {
    const earlyStopping = {
      monitor: 'valAuc',
      minDelta: 0,
      startFromEpoch: 0,
      patience: 2,
      restoreBest: true,
    }
    const setup = await createJob({
      training: { epochs: 9, metrics: ['auc'], earlyStopping, validation: { fraction: 0.01 } },
    })
    const messages = await attempt(setup)
    expect(epochsOf(messages).map(({ metrics }) => metrics.valAuc)).toEqual([null, null])
    expect(find(messages, 'finished')[0]?.description.metrics).not.toHaveProperty('auc')
    expect(weightsOf(messages)).toEqual(
      weightsOf(
        await attempt(
          await createJob({
            training: { epochs: 2, validation: { fraction: 0.01 } },
          }),
        ),
      ),
    )
  })
})

/** 36 bytes an example: two batches of seven to a block, and four blocks in memory. */
const TWO_BATCHES = 36 * 14 * 4

/** An engine that writes down the features of the examples that each call of `train` and `evaluate` was given. */
function recording() {
  const seen: { kind: 'train' | 'evaluate'; split: string; examples: string[] }[] = []
  let largest = 0
  const recorder: Engine = {
    ...engine,
    open(program, seed) {
      const session = engine.open(program, seed)
      const held = new Map<string, Uint8Array | Float32Array>()
      const write = (kind: 'train' | 'evaluate', split: string, indices: Int32Array) => {
        const rows = held.get(split) ?? new Uint8Array()
        const examples = Array.from(indices, index => rows.subarray(36 * index, 36 * (index + 1)).join())
        seen.push({ kind, split, examples })
      }
      return {
        ...session,
        load(split, examples) {
          held.set(split, examples.features)
          largest = Math.max(largest, examples.labels.length)
          session.load(split, examples)
        },
        train(request) {
          write('train', request.split, request.indices)
          return session.train(request)
        },
        evaluate(split, indices) {
          write('evaluate', split, indices)
          return session.evaluate(split, indices)
        },
      }
    },
  }
  return { recorder, seen, largest: () => largest }
}

async function rowsOf({ blobs, job }: Setup, split: 'train' | 'test'): Promise<string[]> {
  const bytes = await blobs.read(job.dataset.splits[split]?.features ?? '')
  return Array.from({ length: bytes.length / 36 }, (_, row) =>
    bytes.subarray(36 * row, 36 * (row + 1)).join(),
  )
}

describe('a dataset that is larger than memory', () => {
  it('is trained in blocks: every epoch sees each example once, and the validation the others', async () => {
    const setup = await createJob({ residentBytesMax: TWO_BATCHES, training: { epochs: 3 } })
    const { recorder, seen, largest } = recording()
    const messages = await attempt(setup, [], undefined, recorder)
    const of = (kind: string) => seen.filter(call => call.kind === kind).flatMap(({ examples }) => examples)
    const [trained, evaluated] = [of('train'), of('evaluate')]
    expect([trained.length, evaluated.length]).toEqual([3 * 80, 5 * 20])
    const epochs = [0, 80, 160].map(from => trained.slice(from, from + 80))
    const [first = [], second = []] = epochs
    const heldOut = evaluated.slice(0, 20)
    expect([...first, ...heldOut].sort()).toEqual((await rowsOf(setup, 'train')).sort())
    for (const epoch of epochs) expect(epoch.toSorted()).toEqual(first.toSorted())
    expect(second).not.toEqual(first)
    for (const from of [20, 40, 60]) expect(evaluated.slice(from, from + 20)).toEqual(heldOut)
    expect(largest(), 'rows in memory at once').toBeLessThan(90)
    expect(epochsOf(messages).map(({ step }) => step)).toEqual([12, 24, 36])
    expect(find(messages, 'finished')[0]?.evaluation).toMatchObject({
      split: 'validation',
      examples: 20,
      metrics: { accuracy: 1 },
    })
  })

  it('without validation holds a block at a time, no more than its part of the limit', async () => {
    const training = { epochs: 2, validation: null }
    const setup = await createJob({ residentBytesMax: TWO_BATCHES, training })
    const { recorder, seen, largest } = recording()
    await attempt(setup, [], undefined, recorder)
    expect(largest()).toBe(14)
    const trained = seen.flatMap(({ examples }) => examples)
    const all = (await rowsOf(setup, 'train')).sort()
    expect([trained.slice(0, 100).sort(), trained.slice(100).sort()]).toEqual([all, all])
  })

  it('is validated on a split in blocks exactly as on one in memory', async () => {
    const training: Partial<TrainingSpec> = {
      epochs: 2,
      metrics: METRICS,
      validation: { split: 'test' },
      optimizer: resolveOptimizer({ type: 'sgd', learningRate: 1e-30 }), // moves no weight
    }
    const [blocks, whole] = await Promise.all(
      [TWO_BATCHES, 1e6].map(async residentBytesMax =>
        attempt(await createJob({ residentBytesMax, training, test: 40 })),
      ),
    )
    if (!blocks || !whole) throw new Error('both have run')
    const validated = (messages: TrainerMessage[]) =>
      epochsOf(messages).map(({ metrics }) =>
        Object.entries(metrics).filter(([name]) => name.startsWith('val') && name !== 'valLoss'),
      )
    expect(validated(blocks)[0]).toHaveLength(METRICS.length)
    validated(blocks)
      .flat()
      .forEach(([name, value], index) => {
        expect(value, name).toBeCloseTo(validated(whole).flat()[index]?.[1] ?? Number.NaN, 6)
      })
    expect(find(blocks, 'finished')[0]?.evaluation).toMatchObject({
      split: 'test',
      examples: 40,
      confusionMatrix: confusionOf(find(whole, 'finished')[0]?.evaluation ?? null),
    })
  })

  it.each([1e6, TWO_BATCHES])(
    'whose images are changed in each epoch ends alike when it is stopped; %d bytes in memory',
    async residentBytesMax => {
      const training = { augmentation: { shift: 0.2, rotate: 15, noise: 0.1 }, metrics: ['accuracy'] }
      const setup = await createJob({ residentBytesMax, training })
      const whole = await attempt(setup)
      const first = await attempt(
        setup,
        [],
        message => message.type === 'progress' && message.progress.step >= 20,
      )
      const rest = await attempt(setup, checkpointOf(first))
      expect(weightsOf(rest)).toEqual(weightsOf(whole))
      const plain = await createJob({ residentBytesMax, training: { metrics: ['accuracy'] } })
      expect(weightsOf(await attempt(plain))).not.toEqual(weightsOf(whole))
    },
  )

  it('that is stopped again and again, in the middle of blocks too, ends exactly as one that never was', async () => {
    const setup = await createJob({
      residentBytesMax: TWO_BATCHES,
      layers: NOISY,
      training: { metrics: METRICS },
    })
    const whole = await attempt(setup)
    const parts = await attemptWithStops(setup)
    expect(parts.flatMap(checkpointOf).map(({ step }) => step)).toEqual([13, 25, 26, 27, 28, 29, 30])
    expectSameTraining(parts.flat(), whole)
  })

  it.each([
    ['in memory', 1e6],
    ['in blocks', TWO_BATCHES],
  ])('whose file is damaged is refused, %s', async (_, residentBytesMax) => {
    const setup = await createJob({ residentBytesMax })
    const sha256 = setup.job.dataset.splits.train?.features ?? ''
    const file = path.join(setup.folder, 'blobs', sha256.slice(0, 2), sha256)
    const bytes = await readFile(file)
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    await writeFile(file, bytes)
    await expect(attempt(setup)).rejects.toThrow(`blob ${sha256} is missing or damaged`)
  })
})

function confusionOf(evaluation: Evaluation | null) {
  if (evaluation?.task !== 'classification') throw new Error('the report must be of a classification')
  return evaluation.confusionMatrix
}
