import { featureCount } from '../../src/datasets/content.ts'
import type { CheckpointRecord } from '../../src/jobs/attempt-repository.ts'
import { type Evaluation, evaluateClasses } from '../../src/metrics/evaluation-report.ts'
import { buildProgram, type Program } from '../../src/mlp/program.ts'
import { writeArtifact } from '../../src/models/artifact.ts'
import { BlobDamagedError, type BlobStore } from '../../src/storage/blob-store.ts'
import type { Engine, Session } from '../engines/engine.ts'
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, type Place } from './checkpoint.ts'
import { assertFinite, evaluateSelection } from './evaluate.ts'
import { loadData, type TrainingData } from './load-data.ts'
import type { ModelDescription, TrainerJob, TrainerMessage } from './messages.ts'
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
 * @throws {AppError} TRAINING_DIVERGED
 */
export async function runTraining(deps: TrainingDeps, job: TrainerJob): Promise<void> {
  const { engine, blobs, send } = deps
  const { training } = job
  const program = buildProgram({
    inputUnits: featureCount(job.dataset.shape),
    preprocessing: job.preprocessing,
    network: job.network,
    loss: training.loss,
    optimizer: training.optimizer,
  })
  const session = engine.open(program, training.seed)
  try {
    const data = await loadData(blobs, session, job.dataset, training)
    const place = await resume(blobs, session, job.checkpoints)
    const saveCheckpoint = () => save(blobs, session, training.seed, place)
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
    await finish(deps, job, program, session, data, place)
  } finally {
    session.close()
  }
}

/** Goes on from the first checkpoint that is whole; without one, from the start. */
async function resume(
  blobs: BlobStore,
  session: Session,
  checkpoints: readonly CheckpointRecord[],
): Promise<Place> {
  for (const { sha256 } of checkpoints) {
    const checkpoint = await readCheckpoint(blobs, sha256)
    if (!checkpoint) continue
    session.importState(checkpoint.state)
    return checkpoint.place
  }
  return { epoch: 0, step: 0, running: { examples: 0, loss: 0, correct: 0, durationMs: 0 } }
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

async function save(
  blobs: BlobStore,
  session: Session,
  seed: number,
  place: Place,
): Promise<CheckpointRecord> {
  const blob = await blobs.put(encodeCheckpoint({ seed, place, state: session.exportState() }))
  return { ...blob, step: place.step, epoch: place.epoch }
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
  const evaluation = await evaluate(job, program, session, data)
  report('saving')
  const description: ModelDescription = {
    kind: 'classification',
    jobId: job.jobId,
    dataset: { id: job.dataset.id, sha256: job.dataset.sha256 },
    input: { shape: job.dataset.shape, dtype: job.dataset.dtype },
    preprocessing: job.preprocessing,
    classes: job.dataset.classes,
    network: job.network,
    loss: job.training.loss,
    training: { ...job.training },
    parameterCount: job.parameterCount,
    metrics: evaluation ? { loss: evaluation.loss, ...evaluation.metrics } : {},
    engine: { name: engine.name, device: engine.device, versions: engine.versions },
  }
  const artifact = await writeArtifact(blobs, program, session.exportState(), description)
  send({ type: 'finished', artifact, description, evaluation })
}

async function evaluate(
  job: TrainerJob,
  program: Program,
  session: Session,
  { evaluation: selection, train }: TrainingData,
): Promise<Evaluation | null> {
  if (!selection) return null
  const { loss, predicted } = await evaluateSelection(session, selection, program.outputUnits)
  assertFinite(loss, `on the examples of ${selection.split} at the end`, job.training)
  return evaluateClasses({
    split: selection.split === train.split ? 'validation' : selection.split,
    labels: job.dataset.classes,
    actual: selection.labels,
    predicted,
    loss,
  })
}
