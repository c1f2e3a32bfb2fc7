import { areClasses } from '../task.ts'
import { classCount, type Metric } from './metric.ts'
import { chosenLabels, predictedClasses } from './predicted-classes.ts'

/** What is known of a class: examples of it that were found, that were predicted, that there are. */
interface ClassCounts {
  found: number
  predicted: number
  support: number
}

type Rate = (counts: ClassCounts) => number

/** Rates without a divisor count as 0. @see scikit-learn, `zero_division=0` */
const RATES = {
  precision: ({ found, predicted }) => (predicted > 0 ? found / predicted : 0),
  recall: ({ found, support }) => (support > 0 ? found / support : 0),
  f1: ({ found, predicted, support }) => (found > 0 ? (2 * found) / (predicted + support) : 0),
} as const satisfies Record<string, Rate>

/**
 * Precision, recall or F1 of each class, averaged over the classes: all alike, or weighted by their examples.
 * @see scikit-learn, `precision_recall_fscore_support` with `average='macro'` or `'weighted'`
 */
export function classRate(name: keyof typeof RATES, average: 'macro' | 'weighted'): Metric {
  const rate = RATES[name]
  return {
    tasks: ['classification', 'multiLabel'],
    direction: 'max',
    accumulate(units) {
      const classes = classCount(units)
      const sums = new Float64Array(3 * classes) // found, predicted, support; each by class
      const count = (place: number) => {
        sums[place] = (sums[place] ?? 0) + 1
      }
      return {
        sums,
        add(predictions, targets) {
          if (!areClasses(targets)) {
            chosenLabels(predictions).forEach((guess, index) => {
              const isSo = targets[index] === 1
              if (guess === 1 && isSo) count(index % units)
              if (guess === 1) count(classes + (index % units))
              if (isSo) count(2 * classes + (index % units))
            })
            return
          }
          const predicted = predictedClasses(predictions, units)
          targets.forEach((label, example) => {
            const guess = predicted[example] ?? 0
            if (guess === label) count(label)
            count(classes + guess)
            count(2 * classes + label)
          })
        },
        value() {
          const counts = Array.from({ length: classes }, (_, index) => ({
            found: sums[index] ?? 0,
            predicted: sums[classes + index] ?? 0,
            support: sums[2 * classes + index] ?? 0,
          }))
          const examples = counts.reduce((sum, { support }) => sum + support, 0)
          if (examples === 0) return null
          return counts.reduce((sum, each) => {
            const weight = average === 'macro' ? 1 / classes : each.support / examples
            return sum + rate(each) * weight
          }, 0)
        },
      }
    },
  }
}
