import { areClasses } from '../task.ts'
import type { Metric } from './metric.ts'
import { chosenLabels, predictedClasses } from './predicted-classes.ts'

/**
 * The part of the examples whose label is the most probable class; where an example may have several labels, the part
 * of all labels that are on the right side of 0.5.
 * @see keras/src/metrics/accuracy_metrics.py, CategoricalAccuracy and BinaryAccuracy
 */
export const accuracy: Metric = {
  tasks: ['classification', 'multiLabel'],
  direction: 'max',
  accumulate(units) {
    const sums = new Float64Array(2) // correct, examples
    return {
      sums,
      add(predictions, targets) {
        const guesses = areClasses(targets) ? predictedClasses(predictions, units) : chosenLabels(predictions)
        targets.forEach((target, index) => {
          if (guesses[index] === target) sums[0] = (sums[0] ?? 0) + 1
        })
        sums[1] = (sums[1] ?? 0) + targets.length
      },
      value: () => divide(sums[0], sums[1]),
    }
  },
}

/**
 * The part of the examples whose label is among the k most probable classes; equal probabilities count for the label.
 * One unit stands for two classes, of which every label is one.
 * @see keras/src/metrics/accuracy_metrics.py, TopKCategoricalAccuracy
 */
export function topKAccuracy(k: number): Metric {
  return {
    tasks: ['classification'],
    direction: 'max',
    accumulate(units) {
      if (units === 1 && k === 1) return accuracy.accumulate(units)
      const sums = new Float64Array(2)
      return {
        sums,
        add(predictions, labels) {
          labels.forEach((label, example) => {
            const row = predictions.subarray(example * units, (example + 1) * units)
            const own = row[label] ?? Number.NaN
            const above = row.reduce((count, other) => count + (other > own ? 1 : 0), 0)
            if (above < k) sums[0] = (sums[0] ?? 0) + 1
          })
          sums[1] = (sums[1] ?? 0) + labels.length
        },
        value: () => divide(sums[0], sums[1]),
      }
    },
  }
}

function divide(part: number | undefined, whole: number | undefined): number | null {
  return whole ? (part ?? 0) / whole : null
}
