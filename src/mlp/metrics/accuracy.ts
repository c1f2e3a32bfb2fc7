import type { Metric } from './metric.ts'
import { predictedClasses } from './predicted-classes.ts'

/** The part of the examples whose label is the most probable class. @see keras/src/metrics/accuracy_metrics.py */
export const accuracy: Metric = {
  direction: 'max',
  accumulate(units) {
    const sums = new Float64Array(2) // correct, examples
    return {
      sums,
      add(predictions, labels) {
        const predicted = predictedClasses(predictions, units)
        labels.forEach((label, example) => {
          if (predicted[example] === label) sums[0] = (sums[0] ?? 0) + 1
        })
        sums[1] = (sums[1] ?? 0) + labels.length
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
