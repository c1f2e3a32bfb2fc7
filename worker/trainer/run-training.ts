import type { CheckpointRecord } from '../../src/jobs/attempt-repository.ts'
import type { TrainingSpec } from '../../src/jobs/training-spec.ts'
import {
  type Evaluation,
  evaluateClasses,
  evaluateLabels,
  evaluateNumbers,
  REPORTED_METRICS,
} from '../../src/metrics/evaluation-report.ts'
import { isModelVariable } from '../../src/mlp/graph.ts'
import { predictedClasses } from '../../src/mlp/metrics/predicted-classes.ts'
import { buildProgram, type Program } from '../../src/mlp/program.ts'
import { areClasses } from '../../src/mlp/task.ts'
import { writeArtifact } from '../../src/models/artifact.ts'
import { BlobDamagedError, type BlobStore } from '../../src/storage/blob-store.ts'
import type { Engine, Session, TrainingState } from '../engines/engine.ts'
import { calibrate } from './calibrate.ts'
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, type Place, startPlace } from './checkpoint.ts'
import { assertFinite, evaluateSelection } from './evaluate.ts'
import { planData, type TrainingData } from './load-data.ts'
import type { ModelDescription, TrainerJob, TrainerMessage } from './messages.ts'
import { recordOutcomes } from './record-outcomes.ts'
import { HELD_OUT } from './selection.ts'
import { takeWeights } from './take-weights.ts'
import { trainEpochs } from './train-epochs.ts'

/** What a training works with. */
export interface TrainingDeps {
  engine: Engine
  blobs: BlobStore
  send(message: TrainerMessage): void
  /** What was asked for last; null: go on. */
  stopRequest(): { checkpoint: boolean } | null
}

/**
 * One attempt at a job: load, resume, train, evaluate, save. Reports as it goes; the last message says how it ended.
 * @throws {AppError} TRAINING_DIVERGED, MODEL_DAMAGED for the base model
 */
export async function runTraining(deps: TrainingDeps, job: TrainerJob): Promise<void> {
  const { engine, blobs, send } = deps
  const { training } = job
  const plan = await planData(blobs, job)
  const program = buildProgram({
    task: job.dataset.task,
    inputUnits: plan.encoder.inputUnits,
    inputScaling: plan.encoder.scaling,
    network: job.network,
    loss: training.loss,
    optimizer: training.optimizer,
    classWeights: training.classWeight
      ? job.dataset.classes.map(label => training.classWeight?.[label] ?? 1)
      : null,
  })
  const session = engine.open(program, training.seed)
  try {
    const data = await plan.load(session)
    if (plan.isCountNew) send({ type: 'planned', steps: stepsOf(training, plan.train.count) })
    const resumed = await resume(blobs, program, session, job)
    const { place } = resumed
    let { best } = resumed
    const saveCheckpoint = () =>
      save(blobs, { seed: training.seed, place, state: session.exportState(), best })
    const isDone = await trainEpochs({
      program,
      session,
      data,
      training,
      place,
      checkpointSeconds: job.checkpointSeconds,
      saveCheckpoint,
      isStopping: () => deps.stopRequest() !== null,
      onProgress: progress => send({ type: 'progress', progress }),
      onBest: () => {
        best = modelState(program, session)
      },
      onEpoch: (epoch, checkpoint) => send({ type: 'epoch', epoch, checkpoint }),
      onCheckpoint: checkpoint => send({ type: 'checkpoint', checkpoint }),
    })
    if (!isDone) {
      if (deps.stopRequest()?.checkpoint && place.step > 0) {
        send({ type: 'checkpoint', checkpoint: await saveCheckpoint() })
      }
      send({ type: 'stopped' })
      return
    }
    if (best) session.importState(new Map([...session.exportState(), ...best]))
    await finish(deps, job, program, session, data, place)
  } finally {
    session.close()
  }
}

function stepsOf({ epochs, batchSize }: TrainingSpec, examples: number): number {
  return epochs * Math.ceil(examples / batchSize)
}

/** Goes on from the first checkpoint that is whole; without one, from the start, with the weights of the base. */
async function resume(
  blobs: BlobStore,
  program: Program,
  session: Session,
  { checkpoints, base }: Pick<TrainerJob, 'checkpoints' | 'base'>,
): Promise<Pick<Checkpoint, 'place' | 'best'>> {
  for (const { sha256 } of checkpoints) {
    const checkpoint = await readCheckpoint(blobs, sha256)
    if (!checkpoint) continue
    session.importState(checkpoint.state)
    return checkpoint
  }
  if (base) await takeWeights(blobs, program, session, base)
  return { place: startPlace(), best: null }
}

/** The variables that are the model, without the optimizer's. */
function modelState(program: Program, session: Session): TrainingState {
  const state = session.exportState()
  return new Map(
    program.variables
      .filter(isModelVariable)
      .map(({ name }) => [name, state.get(name) ?? new Float32Array()]),
  )
}

/** @returns null when the file is missing or damaged: then an earlier one must do */
async function readCheckpoint(blobs: BlobStore, sha256: string): Promise<Checkpoint | null> {
  try {
    return decodeCheckpoint(await blobs.read(sha256))
  } catch (error) {
    if (error instanceof BlobDamagedError) return null
    throw error
  }
}

async function save(blobs: BlobStore, checkpoint: Checkpoint): Promise<CheckpointRecord> {
  const blob = await blobs.put(encodeCheckpoint(checkpoint))
  return { ...blob, step: checkpoint.place.step, epoch: checkpoint.place.epoch }
}

async function finish(
  { engine, blobs, send }: TrainingDeps,
  job: TrainerJob,
  program: Program,
  session: Session,
  data: TrainingData,
  { step }: Place,
): Promise<void> {
  const report = (phase: 'evaluating' | 'saving') =>
    send({ type: 'progress', progress: { phase, step, examplesPerSecond: null, etaSeconds: null } })
  report('evaluating')
  const { evaluation, outcomes } = await evaluate(blobs, job, program, session, data)
  const calibration = evaluation && 'calibration' in evaluation ? evaluation.calibration : null
  report('saving')
  const description: ModelDescription = {
    kind: job.dataset.task,
    jobId: job.jobId,
    dataset: { id: job.dataset.id, sha256: job.dataset.sha256 },
    input: { shape: job.dataset.shape, dtype: job.dataset.dtype, columns: job.dataset.columns },
    preprocessing: data.fitted,
    classes: job.dataset.classes,
    targets: job.dataset.targets,
    network: job.network,
    loss: job.training.loss,
    training: { ...job.training },
    parameterCount: job.parameterCount,
    ...describeBase(job),
    metrics: evaluation ? { loss: evaluation.loss, ...definedMetrics(evaluation) } : {},
    engine: { name: engine.name, device: engine.device, versions: engine.versions },
    ...(calibration && { calibration: { method: 'temperature', temperature: calibration.temperature } }),
  }
  const artifact = await writeArtifact(blobs, program, session.exportState(), description)
  send({ type: 'finished', artifact, description, evaluation, outcomes })
}

async function evaluate(
  blobs: BlobStore,
  job: TrainerJob,
  program: Program,
  session: Session,
  data: TrainingData,
): Promise<{ evaluation: Evaluation | null; outcomes: string | null }> {
  const { evaluation: selection, train } = data
  if (!selection) return { evaluation: null, outcomes: null }
  const { task, classes, targets } = job.dataset
  const { outputUnits } = program
  const names = [...new Set([...REPORTED_METRICS[task], ...job.training.metrics])]
  const score = await evaluateSelection(session, data, selection, outputUnits, names)
  const { loss, metrics, predictions } = score
  assertFinite(loss, `on the examples of ${selection.split} at the end`, job.training)
  const isHeldOut = selection.split === train.split || selection.split === HELD_OUT
  const scored = { split: isHeldOut ? 'validation' : selection.split, loss, metrics }
  if (areClasses(selection.targets)) {
    const predicted = predictedClasses(predictions, outputUnits)
    const calibration = await calibrate(session, job.network, outputUnits, data)
    return {
      evaluation: evaluateClasses({ ...scored, calibration }, classes, selection.targets, predicted),
      outcomes: await recordOutcomes(blobs, job, selection, selection.targets, predicted),
    }
  }
  if (task === 'multiLabel') {
    return { evaluation: evaluateLabels(scored, classes, selection.targets, predictions), outcomes: null }
  }
  const numbers = targets.length > 0 ? targets : ['target']
  return { evaluation: evaluateNumbers(scored, numbers, selection.targets, predictions), outcomes: null }
}

/** Where the weights came from, without the files. */
function describeBase({ base }: TrainerJob): Pick<ModelDescription, 'baseModel'> {
  if (!base) return {}
  const { files: _files, ...baseModel } = base
  return { baseModel }
}

function definedMetrics({ metrics }: Evaluation): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])),
  )
}
