/** Figures about numbers that stream by, in constant memory. NaN stands for a missing value and counts for nothing. */
export interface NumberSummary {
  add(numbers: Float32Array | Float64Array): void
  /** Zeros when there was no number. */
  figures(): { min: number; max: number; mean: number; standardDeviation: number }
}

/**
 * A summary of nothing.
 * @see Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm" (1979), formula 2.1
 */
export function createNumberSummary(): NumberSummary {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  let [count, mean, squares] = [0, 0, 0]
  return {
    add(numbers) {
      // Sums of differences from the mean so far: small numbers, whose squares lose little.
      const origin = mean
      let [added, sum, sumOfSquares] = [0, 0, 0]
      for (let index = 0; index < numbers.length; index++) {
        const number = numbers[index] ?? 0
        if (Number.isNaN(number)) continue
        if (number < min) min = number
        if (number > max) max = number
        const difference = number - origin
        sum += difference
        sumOfSquares += difference * difference
        added++
      }
      if (added === 0) return
      const total = count + added
      squares +=
        Math.max(0, sumOfSquares - (sum * sum) / added) + ((sum / added) ** 2 * count * added) / total
      mean += sum / total
      count = total
    },
    figures: () => {
      if (count === 0) return { min: 0, max: 0, mean: 0, standardDeviation: 0 }
      return { min, max, mean, standardDeviation: Math.sqrt(squares / count) }
    },
  }
}
