import type { CheckpointRecord } from '../../src/jobs/attempt-repository.ts'
import type { TrainingSpec } from '../../src/jobs/training-spec.ts'
import { isModelVariable } from '../../src/mlp/graph.ts'
import { buildProgram, type Program } from '../../src/mlp/program.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Engine, Session, TrainingState } from '../engines/engine.ts'
import { type Checkpoint, type Place, startPlace } from './checkpoint.ts'
import { saveCheckpoint } from './checkpoint-store.ts'
import type { ChosenExamples, Fit } from './choose-examples.ts'
import type { FoldsDone } from './folds-done.ts'
import { planData, type TrainingData } from './load-data.ts'
import type { TrainerJob, TrainerMessage } from './messages.ts'
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

/** A fit whose training is over, before its session is closed. */
export interface TrainedFit {
  program: Program
  /** Holds the weights that are wanted: the last, or the best. */
  session: Session
  data: TrainingData
  place: Place
}

/** One fit of a job. */
export interface FitRequest {
  examples: ChosenExamples
  fit: Fit
  /** What the folds before gave. */
  folds: FoldsDone
  /** Where to go on from; null: the start. */
  checkpoint: Checkpoint | null
}

/**
 * Trains one fit in a session of its own, from the same first weights as every other, and hands it on while the
 * session is open. Epochs and steps are reported as those of the job.
 * @returns what `use` gave; null when it was stopped, after a checkpoint where one was asked for
 * @throws {AppError} TRAINING_DIVERGED, MODEL_DAMAGED for the base model
 */
export async function trainFit<Result>(
  deps: TrainingDeps,
  job: TrainerJob,
  { examples, fit, folds, checkpoint }: FitRequest,
  use: (trained: TrainedFit) => Promise<Result>,
): Promise<Result | null> {
  const { engine, blobs, send } = deps
  const { training } = job
  const plan = await planData(blobs, job, examples, fit)
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
    if (checkpoint) session.importState(checkpoint.state)
    else if (job.base) await takeWeights(blobs, program, session, job.base)
    const place = checkpoint?.place ?? startPlace()
    let best = checkpoint?.best ?? null
    const numbering = countBefore(folds)
    const examplesLater = countLater(examples, fit, training)
    const save = async (): Promise<CheckpointRecord> => {
      const state = session.exportState()
      const kept = { seed: training.seed, place, state, best, folds: folds.results.length > 0 ? folds : null }
      return saveCheckpoint(blobs, kept, numbering)
    }
    const isDone = await trainEpochs({
      program,
      session,
      data,
      place,
      fold: fit.fold,
      ...limitEpochs(training, fit, folds),
      checkpointSeconds: job.checkpointSeconds,
      saveCheckpoint: save,
      isStopping: () => deps.stopRequest() !== null,
      onProgress({ step, examplesPerSecond, etaSeconds, phase }) {
        const laterSeconds = examplesPerSecond === null ? 0 : examplesLater / examplesPerSecond
        const eta = etaSeconds === null ? null : etaSeconds + laterSeconds
        const progress = { phase, step: numbering.steps + step, examplesPerSecond, etaSeconds: eta }
        send({ type: 'progress', progress })
      },
      onBest: () => {
        best = modelState(program, session)
      },
      onEpoch({ epoch, step, ...record }, made) {
        const numbered = { epoch: numbering.epochs + epoch, step: numbering.steps + step }
        const fold = fit.fold === null ? {} : { fold: fit.fold }
        send({ type: 'epoch', epoch: { ...record, ...numbered, ...fold }, checkpoint: made })
      },
      onCheckpoint: made => send({ type: 'checkpoint', checkpoint: made }),
    })
    if (!isDone) {
      // Before the first step of a fit, the last checkpoint of the one before says as much.
      if (deps.stopRequest()?.checkpoint && place.step > 0) {
        send({ type: 'checkpoint', checkpoint: await save() })
      }
      send({ type: 'stopped' })
      return null
    }
    if (best) session.importState(new Map([...session.exportState(), ...best]))
    return await use({ program, session, data, place })
  } finally {
    session.close()
  }
}

/** Epochs and steps of the fits that are over. */
export function countBefore({ results }: FoldsDone): { epochs: number; steps: number } {
  return {
    epochs: results.reduce((sum, { trainedEpochs }) => sum + trainedEpochs, 0),
    steps: results.reduce((sum, { steps }) => sum + steps, 0),
  }
}

/** Examples that the fits after this one train on, over all epochs. */
function countLater({ fits }: ChosenExamples, fit: Fit, { epochs }: TrainingSpec): number {
  return fits.slice(fits.indexOf(fit) + 1).reduce((sum, { train }) => sum + epochs * train.count, 0)
}

/**
 * A fit on all examples has no validation that could stop it: where that stopped the folds, it is trained for as many
 * epochs as their weights were on average.
 */
function limitEpochs(
  training: TrainingSpec,
  { validation }: Fit,
  { results }: FoldsDone,
): { training: TrainingSpec; epochs: number } {
  const { earlyStopping, ...rest } = training
  const isMeasured = ['loss', ...training.metrics].includes(earlyStopping?.monitor ?? 'loss')
  if (validation !== null || isMeasured || results.length === 0) return { training, epochs: training.epochs }
  const epochs = results.reduce((sum, own) => sum + own.epochs, 0) / results.length
  return { training: rest, epochs: Math.max(1, Math.round(epochs)) }
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
