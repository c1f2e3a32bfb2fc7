import { TASKS } from '../task.ts'
import { type Metric, targetOf } from './metric.ts'

/** Probabilities are kept this far from 0 and 1. @see keras/src/backend/config.py, epsilon */
const PROBABILITY_MIN = 1e-7

/**
 * A mean over the examples and units of something between prediction and target.
 * @param term - of the prediction ŷ and the target y, which is 1 for the unit of the label and 0 for the others
 */
function meanOf(
  term: (predicted: number, target: number) => number,
  finish = (mean: number) => mean,
): Metric {
  return {
    tasks: TASKS,
    direction: 'min',
    accumulate(units) {
      const sums = new Float64Array(2) // sum, numbers
      return {
        sums,
        add(predictions, targets) {
          let sum = sums[0] ?? 0 // one by one: rounding must not depend on how many come at a time
          predictions.forEach((predicted, index) => {
            sum += term(predicted, targetOf(targets, index, units))
          })
          sums[0] = sum
          sums[1] = (sums[1] ?? 0) + predictions.length
        },
        value: () => (sums[1] ? finish((sums[0] ?? 0) / sums[1]) : null),
      }
    },
  }
}

/** mean (ŷ − y)². @see keras/src/metrics/regression_metrics.py */
export const meanSquaredError = meanOf((predicted, target) => (predicted - target) ** 2)

/** mean |ŷ − y|. @see keras/src/metrics/regression_metrics.py */
export const meanAbsoluteError = meanOf((predicted, target) => Math.abs(predicted - target))

/** √ mean (ŷ − y)². @see keras/src/metrics/regression_metrics.py */
export const rootMeanSquaredError = meanOf((predicted, target) => (predicted - target) ** 2, Math.sqrt)

/** mean −log of the label's probability. @see scikit-learn, `log_loss` */
export const logLoss: Metric = {
  tasks: ['classification'],
  direction: 'min',
  accumulate(units) {
    const sums = new Float64Array(2) // sum, examples
    return {
      sums,
      add(predictions, labels) {
        let sum = sums[0] ?? 0
        labels.forEach((label, example) => {
          const first = predictions[example * units] ?? 0
          const own =
            units === 1 ? (label === 1 ? first : 1 - first) : (predictions[example * units + label] ?? 0)
          sum -= Math.log(Math.min(1 - PROBABILITY_MIN, Math.max(PROBABILITY_MIN, own)))
        })
        sums[0] = sum
        sums[1] = (sums[1] ?? 0) + labels.length
      },
      value: () => (sums[1] ? (sums[0] ?? 0) / sums[1] : null),
    }
  },
}

/**
 * 1 − Σ (y − ŷ)² / Σ (y − ȳ)² of each unit, averaged; units whose target never changes are left out.
 * @see keras/src/metrics/regression_metrics.py, R2Score with `uniform_average`
 */
export const r2: Metric = {
  tasks: TASKS,
  direction: 'max',
  accumulate(units) {
    const sums = new Float64Array(3 * units + 1) // Σ y, Σ y², Σ (y − ŷ)², each by unit; examples
    const add = (place: number, value: number) => {
      sums[place] = (sums[place] ?? 0) + value
    }
    return {
      sums,
      add(predictions, targets) {
        predictions.forEach((predicted, index) => {
          const unit = index % units
          const target = targetOf(targets, index, units)
          add(unit, target)
          add(units + unit, target ** 2)
          add(2 * units + unit, (target - predicted) ** 2)
        })
        add(3 * units, predictions.length / units)
      },
      value() {
        const examples = sums[3 * units] ?? 0
        const scores = Array.from({ length: units }, (_, unit) => {
          const spread = (sums[units + unit] ?? 0) - (sums[unit] ?? 0) ** 2 / examples
          return spread > 0 ? 1 - (sums[2 * units + unit] ?? 0) / spread : null
        }).filter(score => score !== null)
        return scores.length === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / scores.length
      },
    }
  },
}
