import { createInterpreter } from '../mlp/interpreter.ts'
import { buildLossProgram, toLogits } from '../mlp/loss-program.ts'
import { defaultLoss } from '../mlp/losses/registry.ts'
import { predictedClasses } from '../mlp/metrics/predicted-classes.ts'
import { metricOf } from '../mlp/metrics/registry.ts'
import { outputActivation } from '../mlp/network.ts'
import { areClasses, type Targets } from '../mlp/task.ts'
import type { LoadedArtifact } from '../models/artifact.ts'
import { createEncoder, scaleTargets } from '../preprocessing/encoder.ts'
import {
  type Evaluation,
  evaluateClasses,
  evaluateLabels,
  evaluateNumbers,
  REPORTED_METRICS,
} from './evaluation-report.ts'

/** Compares predictions of a stored model with the truth, some rows at a time. */
export interface PredictionEvaluator {
  /**
   * @param outputs - as a predictor gives them: the probability of each class, or each target in its own units
   * @param truth - class numbers, or `[rows, outputs]`
   */
  add(outputs: Float32Array, truth: Targets): void
  /** The report that a training ends with, but for the calibration; null without rows. */
  report(split: string): Evaluation | null
}

/** Rows whose loss is computed at once. */
const AT_ONCE = 1_000

/** An evaluator that has seen nothing. */
export function createEvaluator({ manifest, weights }: LoadedArtifact): PredictionEvaluator {
  const { kind: task, classes, targets = [], training } = manifest
  const lossesOf = createLossMeter({ manifest, weights })
  const width = task === 'regression' ? Math.max(1, targets.length) : classes.length
  const units = lossesOf.outputUnits
  const asked = Array.isArray(training.metrics) ? training.metrics.map(String) : []
  const names = [...new Set([...REPORTED_METRICS[task], ...asked])]
  const measured = names.map(name => ({ name, metric: metricOf(name).accumulate(units) }))
  const [truths, given]: [Targets[], Float32Array[]] = [[], []]
  let [rows, loss] = [0, 0]
  return {
    add(outputs, truth) {
      const count = outputs.length / width
      if (count === 0) return
      // One unit stands for two classes: it is the second of the two.
      const predictions = units === width ? outputs : outputs.filter((_, at) => at % width === 1)
      for (const { metric } of measured) metric.add(predictions, truth)
      loss += lossesOf.sum(predictions, truth)
      truths.push(truth)
      given.push(predictions)
      rows += count
    },
    report(split) {
      if (rows === 0) return null
      const metrics = Object.fromEntries(measured.map(({ name, metric }) => [name, metric.value()]))
      const scored = { split, loss: loss / rows, metrics }
      if (task === 'classification') {
        const predicted = given.map(predictions => predictedClasses(predictions, units))
        return evaluateClasses(scored, classes, join(truths), join(predicted))
      }
      const [actual, predicted] = [join(truths), join(given)]
      if (task === 'multiLabel') return evaluateLabels(scored, classes, actual, predicted)
      return evaluateNumbers(scored, targets.length > 0 ? targets : ['target'], actual, predicted)
    },
  }
}

function join(parts: readonly Targets[]): Float32Array {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0)) // class numbers are exact
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Measures the loss that a model was trained with; of one from elsewhere, the loss that suits its outputs. */
function createLossMeter({ manifest, weights }: LoadedArtifact) {
  const { kind: task, network, preprocessing, input } = manifest
  const loss = manifest.loss ?? defaultLoss(outputActivation(network), task)
  const { inputUnits } = createEncoder(preprocessing, input.columns ?? null, input.shape)
  const program = buildLossProgram({ inputUnits, network, task, loss })
  const interpreter = createInterpreter(program.valueCount, Float64Array)
  for (const { name, value } of program.variables) {
    const numbers = weights.get(name)
    if (numbers) interpreter.set(value, Float64Array.from(numbers))
  }
  const { outputUnits } = program
  const inNetworkUnits = (numbers: Float32Array) =>
    Float64Array.from(scaleTargets(preprocessing, numbers.slice(), 'toNetwork'))
  return {
    outputUnits,
    sum(predictions: Float32Array, truth: Targets): number {
      const count = predictions.length / outputUnits
      const truthWidth = truth.length / count
      let sum = 0
      for (let from = 0; from < count; from += AT_ONCE) {
        const to = Math.min(count, from + AT_ONCE)
        const some = inNetworkUnits(predictions.subarray(from * outputUnits, to * outputUnits))
        const own = truth.subarray(from * truthWidth, to * truthWidth)
        interpreter.set(program.predictions, some)
        interpreter.set(program.logits, toLogits(network, some))
        interpreter.set(program.labels, areClasses(own) ? Float64Array.from(own) : inNetworkUnits(own))
        interpreter.run(program.operations, to - from)
        for (const each of interpreter.get(program.losses)) sum += each
      }
      return sum
    },
  }
}
