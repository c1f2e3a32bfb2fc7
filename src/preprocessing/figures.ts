/** The numbers of a column that are not missing. */
export function present(cells: Float64Array): Float64Array {
  return cells.filter(cell => !Number.isNaN(cell))
}

/** @returns 0 when there are none */
export function mean(numbers: Float64Array): number {
  return numbers.length === 0 ? 0 : numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}

/**
 * Of the population: divided by the count. What is no more than the rounding of equal numbers counts as 0.
 * @param center - their mean
 * @returns 0 when there are none
 * @see scikit-learn, `_is_constant_feature`; Chan, Golub & LeVeque (1983), "Algorithms for computing the sample variance"
 */
export function standardDeviation(numbers: Float64Array, center: number): number {
  const count = numbers.length
  if (count === 0) return 0
  const variance = numbers.reduce((sum, number) => sum + (number - center) ** 2, 0) / count
  const rounding = count * Number.EPSILON * variance + (count * center * Number.EPSILON) ** 2
  return variance <= rounding ? 0 : Math.sqrt(variance)
}

/**
 * The value below which a part of the numbers lies, with linear interpolation.
 * @param sorted - in ascending order
 * @param part - 0 … 1
 * @returns 0 when there are none
 * @see Hyndman & Fan (1996), "Sample quantiles in statistical packages", definition 7, as in NumPy
 */
export function quantile(sorted: Float64Array, part: number): number {
  const place = part * (sorted.length - 1)
  const below = sorted[Math.floor(place)] ?? 0
  const above = sorted[Math.ceil(place)] ?? below
  return below + (above - below) * (place - Math.floor(place))
}

/** The value that occurs most often, the least of equal ones. @returns null when there is none */
export function mostFrequent(numbers: Float64Array): number | null {
  const counts = new Map<number, number>()
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1)
  let best: number | null = null
  for (const [number, count] of counts) {
    const most = best === null ? 0 : (counts.get(best) ?? 0)
    if (count > most || (count === most && best !== null && number < best)) best = number
  }
  return best
}

/** Least and greatest. @returns null when there are none */
export function rangeOf(numbers: Float64Array): [number, number] | null {
  const [first] = numbers
  if (first === undefined) return null
  return numbers.reduce<[number, number]>(
    ([low, high], number) => [Math.min(low, number), Math.max(high, number)],
    [first, first],
  )
}
