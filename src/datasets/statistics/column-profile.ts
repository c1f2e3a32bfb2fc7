import { createDistinctCounter, type DistinctCounter } from './distinct-counter.ts'

/** What is known of the cells of one column of one split, in memory that does not grow with the rows. */
export interface ColumnProfile {
  /** Cells with a value. */
  count: number
  missing: number
  min: number
  max: number
  mean: number
  /** Sum of squared deviations from the mean. */
  squares: number
  isInteger: boolean
  /** Each cell is the one before and 1, as row numbers are. */
  isAscending: boolean
  last: number
  distinct: DistinctCounter
  /** Of a column of texts: cells of each code. */
  codeCounts: number[]
}

/** A profile of nothing. */
export function createColumnProfile(): ColumnProfile {
  return {
    count: 0,
    missing: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    mean: 0,
    squares: 0,
    isInteger: true,
    isAscending: true,
    last: Number.NaN,
    distinct: createDistinctCounter(),
    codeCounts: [],
  }
}

/**
 * Adds a column of a block of rows.
 * @param cells - rows of `width` cells
 * @param codes - how many codes its texts have; 0 when it has none
 * @see Chan, Golub & LeVeque, "Updating formulae and a pairwise algorithm" (1979), formula 2.1
 */
export function addColumn(
  profile: ColumnProfile,
  cells: Float64Array,
  width: number,
  column: number,
  rows: number,
  codes: number,
): void {
  const end = rows * width
  let { min, max, isInteger, isAscending, last } = profile
  let count = 0
  let sum = 0
  for (let at = column; at < end; at += width) {
    const cell = cells[at] ?? 0
    if (Number.isNaN(cell)) continue
    count++
    sum += cell
    if (cell < min) min = cell
    if (cell > max) max = cell
    if (isInteger && cell !== Math.floor(cell)) isInteger = false
    if (isAscending && cell !== last + 1 && !Number.isNaN(last)) isAscending = false
    last = cell
  }
  profile.distinct.addColumn(cells, column, end, width)
  Object.assign(profile, { min, max, isInteger, isAscending, last })
  profile.missing += rows - count
  if (count === 0) return
  const mean = sum / count
  let squares = 0
  for (let at = column; at < end; at += width) {
    const difference = (cells[at] ?? 0) - mean
    if (!Number.isNaN(difference)) squares += difference * difference
  }
  mergeMoments(profile, { count, mean, squares })
  for (let code = profile.codeCounts.length; code < codes; code++) profile.codeCounts.push(0)
  if (codes === 0) return
  for (let at = column; at < end; at += width) {
    const code = cells[at] ?? 0
    if (code < codes) profile.codeCounts[code] = (profile.codeCounts[code] ?? 0) + 1
  }
}

/** What two profiles are together; the second one's rows follow the first one's. */
export function mergeProfile(into: ColumnProfile, other: ColumnProfile): void {
  into.min = Math.min(into.min, other.min)
  into.max = Math.max(into.max, other.max)
  into.isInteger &&= other.isInteger
  into.isAscending &&= other.isAscending
  into.missing += other.missing
  mergeMoments(into, other)
  into.distinct.merge(other.distinct)
  other.codeCounts.forEach((count, code) => {
    into.codeCounts[code] = (into.codeCounts[code] ?? 0) + count
  })
}

function mergeMoments(
  into: Pick<ColumnProfile, 'count' | 'mean' | 'squares'>,
  other: Pick<ColumnProfile, 'count' | 'mean' | 'squares'>,
): void {
  const count = into.count + other.count
  if (count === 0) return
  const difference = other.mean - into.mean
  into.squares += other.squares + (difference * difference * into.count * other.count) / count
  into.mean += (difference * other.count) / count
  into.count = count
}
