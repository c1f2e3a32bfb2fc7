import { Value } from 'typebox/value'
import { readConfig } from '../../src/config.ts'
import { type JobSpec, resolveSpec } from '../../src/jobs/resolve-spec.ts'
import { JobRequestSchema } from '../../src/jobs/schemas.ts'
import { buildProgram } from '../../src/mlp/program.ts'
import { BYTE_SCALE } from '../../src/preprocessing/preprocessing.ts'
import { createDiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { chooseEngine, openEngine } from '../../worker/engines/choose-engine.ts'
import type { Session } from '../../worker/engines/engine.ts'
import { encodeCheckpoint, startPlace } from '../../worker/trainer/checkpoint.ts'
import { type Selection, select } from '../../worker/trainer/selection.ts'
import { trainEpochs } from '../../worker/trainer/train-epochs.ts'
import { readJob, report } from './contest.ts'
import type { ContestantJob } from './jobs.ts'
import { FEATURES, readMnist } from './mnist.ts'

/** A contestant: Trainyard's engine and epoch loop as a trainer runs them, without a service around. */
const CLASSES = 10

try {
  await train(readJob())
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function train(job: ContestantJob): Promise<void> {
  const config = readConfig(process.env)
  const { network, training } = resolveJob(job, config.trainerBytesMax)
  const { loss, optimizer } = training
  const program = buildProgram({
    inputUnits: FEATURES,
    task: 'classification',
    inputScaling: { scale: BYTE_SCALE, offset: 0 },
    network,
    loss,
    optimizer,
    classWeights: null,
  })
  const engine = await openEngine(chooseEngine({ ...config, workerSlots: 1 }))
  const session = engine.open(program, training.seed)
  const [train, test] = [load(session, job.data, 'train'), load(session, job.data, 'test')]
  const place = startPlace()
  const blobs = job.checkpointDir ? createDiskBlobStore(job.checkpointDir) : null
  const checkpointMs: number[] = []
  const epochs: { durationMs: number; accuracy: number }[] = []
  await trainEpochs({
    program,
    session,
    data: {
      train,
      validation: test,
      inUnits: predictions => predictions,
      sourceOf: () => ({ use: async () => {}, readAhead: () => {} }),
    },
    training,
    epochs: training.epochs,
    fold: null,
    place,
    checkpointSeconds: Number.POSITIVE_INFINITY, // at the ends of epochs only
    isStopping: () => false,
    saveCheckpoint: async () => {
      // The others write none, so by default neither do we; `bench -- safety` measures what they cost.
      if (blobs === null) return { step: 0, epoch: 0, sha256: '', bytes: 0 }
      const beganMs = performance.now()
      const state = session.exportState()
      const blob = await blobs.put(
        encodeCheckpoint({ seed: training.seed, place, state, best: null, folds: null }),
      )
      checkpointMs.push(performance.now() - beganMs)
      return { ...blob, step: place.step, epoch: place.epoch }
    },
    onProgress: () => {},
    onBest: () => {},
    onCheckpoint: () => {},
    onEpoch: ({ durationMs, metrics }) => epochs.push({ durationMs, accuracy: metrics.valAccuracy ?? 0 }),
  })
  report({
    versions: { ...engine.versions },
    epochSeconds: epochs.map(({ durationMs }) => durationMs / 1_000),
    accuracies: epochs.map(({ accuracy }) => accuracy),
    ...(blobs && { checkpointMs }),
  })
  session.close()
}

/** @throws Error when Trainyard does not take such a job */
function resolveJob(job: ContestantJob, trainerBytesMax: number): JobSpec {
  const hidden = job.hidden.flatMap(units => [
    { type: 'dense', units, activation: 'relu' },
    ...(job.dropout > 0 ? [{ type: 'dropout', rate: job.dropout }] : []),
  ])
  const request = {
    datasetId: 'mnist',
    network: { layers: [...hidden, { type: 'dense', units: CLASSES, activation: 'softmax' }] },
    training: {
      epochs: job.epochs,
      batchSize: job.batchSize,
      optimizer: { type: 'adam', learningRate: job.learningRate },
      validation: { split: 'test' },
      seed: job.seed,
    },
  }
  if (!Value.Check(JobRequestSchema, request)) {
    const [wrong] = Value.Errors(JobRequestSchema, request)
    throw new Error(`Trainyard does not take this job: ${wrong?.instancePath} ${wrong?.message}`)
  }
  const split = { classCounts: {}, features: '', labels: '' }
  const spec = resolveSpec(
    request,
    {
      shape: [28, 28, 1],
      dtype: 'uint8',
      kind: 'image',
      columns: null,
      task: 'classification',
      targets: [],
      classes: Array.from({ length: CLASSES }, (_, digit) => String(digit)),
      splits: { train: { examples: 60_000, ...split }, test: { examples: 10_000, ...split } },
    },
    { trainerBytesMax, residentBytesMax: Number.MAX_SAFE_INTEGER },
    job.seed,
  )
  if ('errors' in spec) throw new Error(`Trainyard does not take this job: ${spec.errors[0]?.detail}`)
  return spec
}

function load(session: Session, folder: string, split: 'train' | 'test'): Selection {
  const examples = readMnist(folder, split === 'test' ? 't10k' : 'train')
  session.load(split, examples)
  const count = examples.labels.length
  const rows = Int32Array.from({ length: count }, (_, row) => row)
  return select(split, rows, examples.labels, { examples: count, blockExamples: count })
}
