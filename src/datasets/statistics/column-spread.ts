import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ColumnProfile } from './column-profile.ts'
import { createNumberBins, type NumberBins } from './number-bins.ts'
import { quantile } from './quantile.ts'

/** A value is an outlier beyond so many distances between the quartiles. @see Tukey, "Exploratory Data Analysis" (1977) */
const FENCE = 1.5

/** How the numbers of a column lie. */
export interface Spread {
  quartiles: [number, number, number]
  bins: NumberBins
  lowerFence: number
  upperFence: number
  below: number
  above: number
}

/** Finds how the numbers of some columns lie, in two passes over their rows. */
export interface SpreadFinder {
  /** First pass: keeps a row. */
  keep(cells: Float64Array, row: number): void
  /** Between the passes. @param profiles - of each column of the rows */
  settle(profiles: readonly ColumnProfile[]): Promise<void>
  /** Second pass: counts rows. */
  count(cells: Float64Array, rows: number): void
  /** Of a column of the rows; null where it has no value, or was not asked for. */
  spreadOf(column: number): Spread | null
}

/**
 * @param width - cells of a row
 * @param columns - which of them
 * @param keptMax - rows that `keep` will be called for
 */
export function createSpreadFinder(width: number, columns: readonly number[], keptMax: number): SpreadFinder {
  const kept = columns.map(() => new Float64Array(keptMax))
  const spreads = new Map<number, Spread>()
  let keptRows = 0
  return {
    keep(cells, row) {
      columns.forEach((column, index) => {
        const values = kept[index]
        if (values) values[keptRows] = cells[row * width + column] ?? 0
      })
      keptRows++
    },
    async settle(profiles) {
      for (const [index, column] of columns.entries()) {
        const profile = profiles[column]
        const values = kept[index]?.subarray(0, keptRows).filter(value => !Number.isNaN(value))
        if (profile && values && values.length > 0) spreads.set(column, spreadAs(values.sort(), profile))
        await nextTurn() // sorting takes a while, and others wait
      }
      kept.length = 0
    },
    count(cells, rows) {
      for (const [column, spread] of spreads) {
        for (let at = column; at < rows * width; at += width) {
          const value = cells[at] ?? 0
          if (Number.isNaN(value)) continue
          spread.bins.add(value)
          if (value < spread.lowerFence) spread.below++
          else if (value > spread.upperFence) spread.above++
        }
      }
    },
    spreadOf: column => spreads.get(column) ?? null,
  }
}

function spreadAs(sorted: Float64Array, { min, max, isInteger }: ColumnProfile): Spread {
  const quartiles: Spread['quartiles'] = [
    quantile(sorted, 0.25),
    quantile(sorted, 0.5),
    quantile(sorted, 0.75),
  ]
  const reach = FENCE * (quartiles[2] - quartiles[0])
  return {
    quartiles,
    bins: createNumberBins(min, max, isInteger),
    lowerFence: quartiles[0] - reach,
    upperFence: quartiles[2] + reach,
    below: 0,
    above: 0,
  }
}
