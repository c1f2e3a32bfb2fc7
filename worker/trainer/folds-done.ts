import type { Fold } from '../../src/metrics/fold-summary.ts'
import { predictedClasses } from '../../src/mlp/metrics/predicted-classes.ts'
import { metricOf } from '../../src/mlp/metrics/registry.ts'
import { areClasses, type Targets } from '../../src/mlp/task.ts'
import type { Score } from './evaluate.ts'

/** What a fold gave, and what it took. */
export interface FoldResult extends Fold {
  /** Epochs that were trained, with those after the best one. */
  trainedEpochs: number
  steps: number
}

/** What the folds so far gave. */
export interface FoldsDone {
  results: readonly FoldResult[]
  /** Sums of each metric's accumulator over all their examples. */
  sums: Record<string, Float64Array>
  /**
   * What each example was taken for by the fit that was not trained on it, fold by fold, ascending in each: class
   * numbers, or `[examples, outputUnits]` in the units of the targets.
   */
  predictions: Float32Array
}

/** Before the first fold. */
export const NO_FOLDS: FoldsDone = { results: [], sums: {}, predictions: new Float32Array() }

/** Adds what a fold gave. */
export function addFold(
  done: FoldsDone,
  result: Omit<FoldResult, 'loss' | 'metrics'>,
  { loss, metrics, predictions }: Score,
  targets: Targets,
  outputUnits: number,
): FoldsDone {
  const sums = Object.keys(metrics).map(name => {
    const metric = metricOf(name).accumulate(outputUnits)
    metric.sums.set(done.sums[name] ?? [])
    metric.add(predictions, targets)
    return [name, metric.sums] as const
  })
  const taken = areClasses(targets) ? predictedClasses(predictions, outputUnits) : predictions
  const all = new Float32Array(done.predictions.length + taken.length)
  all.set(done.predictions)
  all.set(taken, done.predictions.length)
  return {
    results: [...done.results, { ...result, loss, metrics }],
    sums: Object.fromEntries(sums),
    predictions: all,
  }
}

/** Loss and metrics over the examples of all folds together. */
export function scoreTogether({ results, sums }: FoldsDone, outputUnits: number): Omit<Score, 'predictions'> {
  const examples = results.reduce((sum, own) => sum + own.examples, 0)
  const loss = results.reduce((sum, own) => sum + own.loss * own.examples, 0) / examples
  const metrics = Object.entries(sums).map(([name, array]) => {
    const metric = metricOf(name).accumulate(outputUnits)
    metric.sums.set(array)
    return [name, metric.value()] as const
  })
  return { loss, metrics: Object.fromEntries(metrics) }
}
