import type { Evaluation } from '../../src/metrics/evaluation-report.ts'
import { writeArtifact } from '../../src/models/artifact.ts'
import type { ChosenExamples } from './choose-examples.ts'
import { evaluateModel } from './evaluate-model.ts'
import type { FoldsDone } from './folds-done.ts'
import type { ModelDescription, TrainerJob } from './messages.ts'
import { countBefore, type TrainedFit, type TrainingDeps } from './train-fit.ts'

/**
 * Evaluates the model and stores it; the message that it sends ends the attempt.
 * @param folds - what their fits gave
 * @param trained - the fit that makes the model
 * @throws {AppError} TRAINING_DIVERGED
 */
export async function finishTraining(
  { engine, blobs, send }: TrainingDeps,
  job: TrainerJob,
  examples: ChosenExamples,
  folds: FoldsDone,
  trained: TrainedFit,
): Promise<void> {
  const { program, session, data, place } = trained
  const step = countBefore(folds).steps + place.step
  const report = (phase: 'evaluating' | 'saving') =>
    send({ type: 'progress', progress: { phase, step, examplesPerSecond: null, etaSeconds: null } })
  report('evaluating')
  const { evaluation, outcomes } = await evaluateModel(blobs, job, examples, folds, trained)
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
