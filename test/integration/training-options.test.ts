import { beforeAll, describe, expect, it } from 'vitest'
import { TrainingSchema } from '../../src/jobs/training-spec.ts'
import { ACTIVATIONS } from '../../src/mlp/activations/registry.ts'
import { type Initializer, InitializerSchema } from '../../src/mlp/initializers.ts'
import { validationName } from '../../src/mlp/metrics/registry.ts'
import { NetworkSchema } from '../../src/mlp/network.ts'
import { passengers, uploadPassengers } from '../helpers/passengers.ts'
import { releaseAfterFile } from '../helpers/release.ts'
import { choicesOf, listChoices } from '../helpers/schema-choices.ts'
import { type Json, startTestService, type TestService } from '../helpers/service.ts'

/** A job, and what its answer has in place of words that stand for something else. */
interface Case {
  dataset: 'stripes' | 'survived' | 'hasCabin and hasLuggage' | 'price'
  layers: Json[]
  training: Json & { metrics: string[] }
  resolved?: Json
  /** Epochs that are trained, where not all are. */
  epochs?: number
}

const activations = Object.keys(ACTIVATIONS)
/** Every initialiser: the names, and the one that has a value. */
const initializers = listChoices(InitializerSchema)
  .filter(choice => !choice.startsWith('=constant'))
  .map(choice => choice.slice(1) as Initializer)
  .concat({ type: 'constant', value: 0.05 })
const dense = (units: number, activation: string, more: object = {}) => ({
  type: 'dense',
  units,
  activation,
  ...more,
})

const CLASS_METRICS = [
  ...['accuracy', 'precision', 'recall', 'f1', 'precisionWeighted', 'recallWeighted', 'f1Weighted', 'auc'],
  ...['logLoss', 'meanSquaredError', 'meanAbsoluteError', 'rootMeanSquaredError', 'r2', 'top2Accuracy'],
]

/** Together they use everything that there is; what goes together shares a job. */
const CASES: Record<string, Case> = {
  'every activation and initialiser, in dense layers': {
    dataset: 'stripes',
    layers: [
      ...Array.from({ length: Math.max(activations.length, initializers.length) }, (_, index) =>
        dense(6, activations[index % activations.length] ?? '', {
          kernelInitializer: initializers[index % initializers.length],
          biasInitializer: initializers.at(-1 - (index % initializers.length)),
          useBias: true,
        }),
      ),
      dense(3, 'softmax', {
        kernelRegularizer: { l1: 0.001, l2: 0.01 },
        biasRegularizer: { l1: 0.002, l2: 0.02 },
      }),
    ],
    training: {
      loss: { type: 'categoricalCrossentropy', labelSmoothing: 0.1 },
      optimizer: {
        ...{ type: 'sgd', learningRate: 0.02, momentum: 0.9, nesterov: true },
        ...{ weightDecay: 0.001, clipNorm: 1 },
      },
      learningRateSchedule: { type: 'constant', warmupSteps: 4 },
      classWeight: 'balanced',
      metrics: CLASS_METRICS,
      validation: { split: 'test' },
      augmentation: { shift: 0.1, rotate: 10, zoom: 0.1, flip: 'horizontal', noise: 0.05 },
      maxRuntimeSeconds: 600,
    },
    resolved: { classWeight: { 0: 1, 1: 1, 2: 1 } },
  },
  'every other layer, class weights by label, and rules that watch a metric': {
    dataset: 'stripes',
    layers: [
      dense(8, 'linear', { useBias: false }),
      { type: 'batchNormalization', momentum: 0.9, epsilon: 0.01, center: false, scale: false },
      ...activations.map(activation => ({ type: 'activation', activation })),
      { type: 'layerNormalization', epsilon: 0.01, center: false, scale: false },
      { type: 'dropout', rate: 0.1 },
      dense(8, 'relu', { trainable: false }),
      { type: 'batchNormalization', trainable: false },
      { type: 'layerNormalization', trainable: false },
      dense(3, 'softmax'),
    ],
    training: {
      epochs: 9,
      loss: 'sparseCategoricalCrossentropy',
      optimizer: { type: 'adam', learningRate: 0.01, beta1: 0.8, beta2: 0.99, epsilon: 1e-6, clipValue: 0.5 },
      learningRateSchedule: { type: 'step', everySteps: 3, factor: 0.9, warmupSteps: 1 },
      classWeight: { 1: 2 },
      metrics: ['accuracy'],
      validation: { fraction: 0.2, stratify: true },
      // nothing improves by so much, so both rules act as soon as they may
      earlyStopping: {
        ...{ monitor: 'valAccuracy', minDelta: 2, patience: 2 },
        ...{ startFromEpoch: 1, restoreBest: true },
      },
      reduceOnPlateau: {
        ...{ monitor: 'loss', minDelta: 100, factor: 0.5, patience: 1 },
        ...{ cooldown: 1, minLearningRate: 0.001 },
      },
      augmentation: { flip: 'vertical' },
    },
    resolved: { loss: { type: 'sparseCategoricalCrossentropy' }, classWeight: { 0: 1, 1: 2, 2: 1 } },
    epochs: 4,
  },
  'focal loss of classes, AdamW': {
    dataset: 'stripes',
    layers: [dense(8, 'relu'), dense(3, 'softmax')],
    training: {
      loss: { type: 'categoricalFocalCrossentropy', alpha: 0.5, gamma: 1.5 },
      optimizer: {
        type: 'adamW',
        weightDecay: 0.01,
        beta1: 0.8,
        beta2: 0.99,
        epsilon: 1e-6,
        globalClipNorm: 1,
      },
      learningRateSchedule: {
        ...{ type: 'exponential', decaySteps: 5, decayRate: 0.9 },
        ...{ staircase: true, warmupSteps: 1 },
      },
      metrics: ['top3Accuracy'],
      augmentation: { flip: 'both' },
    },
  },
  'KL divergence, Nadam, nothing that validates': {
    dataset: 'stripes',
    layers: [dense(8, 'relu'), dense(3, 'softmax')],
    training: {
      loss: 'klDivergence',
      optimizer: { type: 'nadam', beta1: 0.8, beta2: 0.99, epsilon: 1e-6 },
      learningRateSchedule: { type: 'cosine', decaySteps: 20, alpha: 0.1, warmupSteps: 1 },
      metrics: ['recall'],
      validation: null,
      maxRuntimeSeconds: null,
    },
    resolved: { loss: { type: 'klDivergence' } },
  },
  'hinge, RMSprop, one cycle': {
    dataset: 'stripes',
    layers: [dense(8, 'relu'), dense(3, 'linear')],
    training: {
      loss: 'hinge',
      optimizer: { type: 'rmsprop', rho: 0.8, momentum: 0.5, epsilon: 1e-6 },
      learningRateSchedule: { type: 'oneCycle', warmupFraction: 0.4, initialDivisor: 10, finalDivisor: 100 },
      metrics: ['accuracy'],
      validation: { fraction: 0.1 },
    },
    resolved: { loss: { type: 'hinge' } },
  },
  'binary cross-entropy of one unit, Adagrad, customers kept together': {
    dataset: 'survived',
    layers: [dense(8, 'relu'), dense(1, 'sigmoid')],
    training: {
      loss: { type: 'binaryCrossentropy', labelSmoothing: 0.1 },
      optimizer: { type: 'adagrad', initialAccumulatorValue: 0.2, epsilon: 1e-6 },
      metrics: ['auc', 'f1'],
      validation: { fraction: 0.2, group: 'port' },
    },
  },
  'binary focal loss of several labels, Lion, the latest rows validate': {
    dataset: 'hasCabin and hasLuggage',
    layers: [dense(8, 'relu'), dense(2, 'sigmoid')],
    training: {
      loss: { type: 'binaryFocalCrossentropy', alpha: 0.5, gamma: 1.5, applyClassBalancing: true },
      optimizer: { type: 'lion', learningRate: 0.001, beta1: 0.8, beta2: 0.98 },
      metrics: ['accuracy', 'precisionWeighted'],
      validation: { fraction: 0.2, time: 'boarded' },
    },
  },
  "Huber's loss of numbers": {
    dataset: 'price',
    layers: [dense(8, 'tanh'), dense(1, 'linear')],
    training: { loss: { type: 'huber', delta: 0.5 }, metrics: ['meanAbsoluteError', 'r2'] },
  },
  'squared errors of numbers': {
    dataset: 'price',
    layers: [dense(8, 'gelu'), dense(1, 'linear')],
    training: {
      loss: { type: 'meanSquaredError' },
      metrics: ['rootMeanSquaredError'],
      validation: { split: 'validation' },
    },
  },
  'absolute errors of numbers': {
    dataset: 'price',
    layers: [dense(8, 'silu'), dense(1, 'linear')],
    training: { loss: { type: 'meanAbsoluteError' }, metrics: ['meanSquaredError'] },
  },
  'two folds, each of which validates once': {
    dataset: 'price',
    layers: [dense(8, 'relu'), dense(1, 'linear')],
    training: { metrics: ['r2'], validation: { folds: 2 } },
    epochs: 6,
  },
}

const requestOf = ({ layers, training }: Case) => ({
  network: { layers },
  training: { epochs: 2, batchSize: 16, seed: 1, ...training },
})

describe('every option of network and training', () => {
  const release = releaseAfterFile()
  let service: TestService
  const jobs: Record<string, Json> = {}

  beforeAll(async () => {
    service = await startTestService({ release })
    await service.startWorker({ TRAINYARD_WORKER_SLOTS: '2' })
    const datasets: Record<Case['dataset'], string> = {
      stripes: await service.uploadStripes(),
      survived: await uploadPassengers(service, ['survived']),
      'hasCabin and hasLuggage': await uploadPassengers(service, ['hasCabin', 'hasLuggage']),
      price: await uploadPassengers(service, ['price'], {
        task: 'regression',
        validation: passengers(60, 3),
      }),
    }
    const ids: [string, string][] = []
    for (const [name, one] of Object.entries(CASES)) {
      ids.push([name, await service.submit(datasets[one.dataset], requestOf(one))])
    }
    for (const [name, id] of ids)
      jobs[name] = await service.untilJob(id, job => job.finishedAt !== null, name)
  })

  it('is in a case', () => {
    const schemas = { network: NetworkSchema, training: TrainingSchema }
    for (const [part, schema] of Object.entries(schemas)) {
      const used = Object.values(CASES).flatMap(one =>
        choicesOf(schema, requestOf(one)[part as keyof typeof schemas]),
      )
      const all = listChoices(schema)
      expect(all.length, part).toBeGreaterThan(40)
      expect(
        all.filter(choice => !used.includes(choice)),
        part,
      ).toEqual([])
    }
  })

  it.each(Object.keys(CASES))('trains: %s', async name => {
    const one = CASES[name]
    const job = jobs[name]
    if (!one || !job) throw new Error(`there is no case ${name}`)
    expect([job.status, job.error]).toEqual(['succeeded', null])
    const { network, training } = requestOf(one)
    expect(job.network).toMatchObject(network)
    expect(job.training).toMatchObject({ ...training, ...one.resolved })

    const { data: epochs } = await service.json(`/v1/jobs/${job.id}/epochs`)
    expect(epochs).toHaveLength(one.epochs ?? training.epochs)
    const metrics = ['loss', ...training.metrics]
    const { validation } = job.training
    for (const epoch of epochs) {
      const isValidated = validation !== null && (validation.folds === undefined || epoch.fold !== null)
      const validated = isValidated ? metrics.map(validationName) : []
      for (const metric of [...metrics, ...validated, 'learningRate']) {
        expect(Number.isFinite(epoch[metric]), `${metric} is ${epoch[metric]}`).toBe(true)
      }
    }
    const { metrics: measured } = await service.json(`/v1/jobs/${job.id}/evaluation`)
    expect(Object.values(measured).every(Number.isFinite), JSON.stringify(measured)).toBe(true)
  })

  it('ends early and lowers the learning rate where the rules say so', async () => {
    const job = jobs['every other layer, class weights by label, and rules that watch a metric']
    const { data: epochs } = await service.json(`/v1/jobs/${job?.id}/epochs`)
    const rates: number[] = epochs.map(({ learningRate }: Json) => learningRate)
    expect(rates[2]).toBeLessThan((rates[1] ?? 0) * 0.6)
  })
})
