/** Bins of a histogram, unless fewer whole numbers fill the range. */
const BINS = 32

/** Counts numbers by where they lie between the smallest and the largest one. */
export interface NumberBins {
  readonly from: number
  readonly to: number
  readonly counts: Float64Array
  /** @param value - from … to, and not NaN */
  add(value: number): void
}

/**
 * Bins of equal width; the last has its upper end too. Whole numbers with a range of less than 32 have a bin each.
 * @param isInteger - all numbers are whole
 */
export function createNumberBins(from: number, to: number, isInteger: boolean): NumberBins {
  const isSingle = from === to
  const bins = isSingle ? 1 : isInteger ? Math.min(BINS, to - from + 1) : BINS
  const counts = new Float64Array(bins)
  // Halves, for the distance of two numbers may be more than a number can hold.
  const halfRange = to / 2 - from / 2
  return {
    from,
    to,
    counts,
    add(value) {
      const share = halfRange === 0 ? 0 : (value / 2 - from / 2) / halfRange
      const bin = Math.min(bins - 1, Math.floor(share * bins))
      counts[bin] = (counts[bin] ?? 0) + 1
    },
  }
}
