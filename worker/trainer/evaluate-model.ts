import type { Calibration } from '../../src/metrics/calibration.ts'
import {
  type Evaluation,
  evaluateClasses,
  evaluateLabels,
  evaluateNumbers,
  REPORTED_METRICS,
  type Scored,
} from '../../src/metrics/evaluation-report.ts'
import { summarizeFolds } from '../../src/metrics/fold-summary.ts'
import { predictedClasses } from '../../src/mlp/metrics/predicted-classes.ts'
import { areClasses, type Targets } from '../../src/mlp/task.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import { calibrate } from './calibrate.ts'
import type { ChosenExamples } from './choose-examples.ts'
import { assertFinite, evaluateSelection } from './evaluate.ts'
import { type FoldsDone, scoreTogether } from './folds-done.ts'
import type { TrainerJob } from './messages.ts'
import { recordOutcomes } from './record-outcomes.ts'
import { HELD_OUT, type Selection } from './selection.ts'
import type { TrainedFit } from './train-fit.ts'

/**
 * The report of a finished job, and the blob of what each example was taken for, where these are of classes. Without a
 * test split a model of folds knows all examples: then both are of what the folds' fits took theirs for.
 * @throws {AppError} TRAINING_DIVERGED
 */
export async function evaluateModel(
  blobs: BlobStore,
  job: TrainerJob,
  examples: ChosenExamples,
  folds: FoldsDone,
  { program, session, data }: TrainedFit,
): Promise<{ evaluation: Evaluation | null; outcomes: string | null }> {
  const { evaluation: selection, train } = data
  const { outputUnits } = program
  const summary = folds.results.length > 0 ? summarizeFolds(folds.results) : {}
  if (!selection) {
    if (folds.results.length === 0) return { evaluation: null, outcomes: null }
    const scored = { split: 'folds', ...scoreTogether(folds, outputUnits) }
    const predictions = orderByRow(examples, folds, train)
    if (!areClasses(train.targets)) {
      return {
        evaluation: { ...report(job, scored, train.targets, predictions), ...summary },
        outcomes: null,
      }
    }
    const predicted = Int32Array.from(predictions)
    return {
      evaluation: { ...report(job, scored, train.targets, predicted), ...summary },
      outcomes: await recordOutcomes(blobs, job, train, train.targets, predicted),
    }
  }
  const score = await evaluateSelection(session, data, selection, outputUnits, reportedMetrics(job))
  const { loss, metrics, predictions } = score
  assertFinite(loss, `on the examples of ${selection.split} at the end`, job.training)
  const isHeldOut = selection.split === train.split || selection.split === HELD_OUT
  const scored = { split: isHeldOut ? 'validation' : selection.split, loss, metrics }
  if (!areClasses(selection.targets)) {
    return {
      evaluation: { ...report(job, scored, selection.targets, predictions), ...summary },
      outcomes: null,
    }
  }
  const predicted = predictedClasses(predictions, outputUnits)
  const calibration = await calibrate(session, job.network, outputUnits, data)
  return {
    evaluation: { ...report(job, { ...scored, calibration }, selection.targets, predicted), ...summary },
    outcomes: await recordOutcomes(blobs, job, selection, selection.targets, predicted),
  }
}

/** Names of what a report of the job has. */
export function reportedMetrics({ dataset, training }: TrainerJob): string[] {
  return [...new Set([...REPORTED_METRICS[dataset.task], ...training.metrics])]
}

/** What each training row was taken for by the fit that was not trained on it, as `train` has its rows. */
function orderByRow({ fits }: ChosenExamples, { predictions }: FoldsDone, train: Selection): Float32Array {
  const ordered = new Float32Array(predictions.length)
  const width = predictions.length / train.count
  let from = 0
  for (const row of fits.flatMap(({ validation }) => (validation ? Array.from(validation.rows) : []))) {
    ordered.set(predictions.subarray(from, from + width), row * width)
    from += width
  }
  return ordered
}

/** @param predicted - class numbers where the targets are, else what the network gave, in their units */
function report(
  { dataset: { task, classes, targets: names } }: TrainerJob,
  { calibration = null, ...scored }: Scored & { calibration?: Calibration | null },
  targets: Targets,
  predicted: Int32Array | Float32Array,
): Evaluation {
  if (areClasses(targets)) return evaluateClasses({ ...scored, calibration }, classes, targets, predicted)
  const numbers = Float32Array.from(predicted)
  if (task === 'multiLabel') return evaluateLabels(scored, classes, targets, numbers)
  return evaluateNumbers(scored, names.length > 0 ? names : ['target'], targets, numbers)
}
