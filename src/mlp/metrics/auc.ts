import { type Metric, targetOf } from './metric.ts'

/** Probabilities are counted in so many bins; Keras has 200 thresholds. */
const BINS = 1_000

/**
 * The area under the receiver operating characteristic: the probability that an example of a class gets a higher
 * probability for it than one of another class. Of more than two classes the mean over one against the rest; classes
 * without examples, or with nothing else, are left out. Probabilities in one bin of 0.001 count as equal.
 * @see Fawcett (2006), "An introduction to ROC analysis", section 7; scikit-learn, `multi_class='ovr'`
 */
export const auc: Metric = {
  tasks: ['classification', 'multiLabel'],
  direction: 'max',
  accumulate(units) {
    const sums = new Float64Array(units * 2 * BINS) // by unit: bins of the others, bins of the class
    const bins = (unit: number, target: 0 | 1) => {
      const from = (unit * 2 + target) * BINS
      return sums.subarray(from, from + BINS)
    }
    return {
      sums,
      add(predictions, targets) {
        predictions.forEach((probability, index) => {
          const unit = index % units
          const bin = Math.min(BINS - 1, Math.max(0, Math.floor(probability * BINS))) || 0
          const counts = bins(unit, targetOf(targets, index, units) > 0 ? 1 : 0)
          counts[bin] = (counts[bin] ?? 0) + 1
        })
      },
      value() {
        const areas = Array.from({ length: units }, (_, unit) => area(bins(unit, 0), bins(unit, 1)))
        const defined = areas.filter(one => one !== null)
        return defined.length === 0 ? null : defined.reduce((sum, one) => sum + one, 0) / defined.length
      },
    }
  },
}

/** Pairs in the right order, equal ones counted half, over all pairs. */
function area(negatives: Float64Array, positives: Float64Array): number | null {
  let below = 0
  let ordered = 0
  let total = 0
  positives.forEach((count, bin) => {
    const equal = negatives[bin] ?? 0
    ordered += count * (below + equal / 2)
    below += equal
    total += count
  })
  return total > 0 && below > 0 ? ordered / (total * below) : null
}
