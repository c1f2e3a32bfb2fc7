import { createRandom, permutation } from '../../src/mlp/random.ts'

/** How the rows that validate are chosen. */
export interface HoldOut {
  /** Rows there are. */
  examples: number
  /** Rows to set aside; at least 1, fewer than there are. */
  wanted: number
  seed: number
  /** The class of each row: every class keeps its share. */
  classes?: Int32Array
  /** Rows with equal numbers stay on one side. */
  groups?: Float64Array
  /** The rows with the greatest numbers are set aside; those without a number are not. */
  times?: Float64Array
}

/**
 * Chooses rows to validate on, in ascending order. They are as many as are wanted; of groups at least so many, as
 * the last one is taken whole, but one group always stays to be trained on.
 */
export function chooseHeldOut(how: HoldOut): Int32Array {
  if (how.times) return chooseLatest(how.times, how.wanted)
  const order = permutation(createRandom(how.seed, 'validation'), how.examples)
  if (how.groups) return chooseGroups(order, how.groups, how.wanted)
  if (how.classes) return chooseStratified(order, how.classes, how.wanted)
  return order.slice(0, how.wanted).sort()
}

function chooseLatest(times: Float64Array, wanted: number): Int32Array {
  const rows = Int32Array.from(times.keys()).filter(row => !Number.isNaN(times[row]))
  rows.sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b)
  return rows.slice(Math.max(0, rows.length - wanted)).sort()
}

function chooseGroups(order: Int32Array, groups: Float64Array, wanted: number): Int32Array {
  const sizes = new Map<number, number>() // in random order, as the rows are
  for (const row of order) {
    const group = groups[row] ?? Number.NaN
    sizes.set(group, (sizes.get(group) ?? 0) + 1)
  }
  const chosen = new Set<number>()
  let count = 0
  for (const [group, size] of sizes) {
    if (count >= wanted || chosen.size === sizes.size - 1) break
    chosen.add(group)
    count += size
  }
  return order.filter(row => chosen.has(groups[row] ?? Number.NaN)).sort()
}

/** Shares are rounded by their largest remainders, so that they add up. */
function chooseStratified(order: Int32Array, classes: Int32Array, wanted: number): Int32Array {
  const rowsOf = new Map<number, number[]>()
  for (const row of order) {
    const label = classes[row] ?? 0
    const rows = rowsOf.get(label)
    if (rows) rows.push(row)
    else rowsOf.set(label, [row])
  }
  const shares = [...rowsOf]
    .sort(([a], [b]) => a - b)
    .map(([, rows]) => {
      const exact = (rows.length * wanted) / order.length
      return { rows, count: Math.floor(exact), remainder: exact - Math.floor(exact) }
    })
  let left = wanted - shares.reduce((sum, { count }) => sum + count, 0)
  for (const share of shares.toSorted((a, b) => b.remainder - a.remainder)) {
    if (left-- > 0) share.count++
  }
  return Int32Array.from(shares.flatMap(({ rows, count }) => rows.slice(0, count))).sort()
}
