/** Gathers how two things go together, pair by pair, and says it in a number at the end. */
export interface Association {
  /** A pair; NaN stands for a missing value, and the pair counts for nothing. */
  add(one: number, other: number): void
  /** Null where one of both never changes. */
  value(): number | null
}

/** A constant's sum of squares is not quite zero, but for that of its rounding errors. */
const CONSTANT_SHARE = 1e-24

/**
 * Pearson's r of two numbers; of a number and 0 or 1 it is the point-biserial r.
 * @param centre - near the means of both: differences from it lose little
 * @see Pearson, "Note on regression and inheritance in the case of two parents" (1895)
 */
export function createPearson(centre: readonly [number, number]): Association {
  let [count, sumX, sumY, squaresX, squaresY, products] = [0, 0, 0, 0, 0, 0]
  const [centreX, centreY] = centre
  return {
    add(one, other) {
      const x = one - centreX
      const y = other - centreY
      if (Number.isNaN(x + y)) return
      count++
      sumX += x
      sumY += y
      squaresX += x * x
      squaresY += y * y
      products += x * y
    },
    value() {
      const spreadX = squaresX - (sumX * sumX) / count
      const spreadY = squaresY - (sumY * sumY) / count
      const floor = CONSTANT_SHARE * count
      if (!(spreadX > floor * centreX ** 2) || !(spreadY > floor * centreY ** 2)) return null
      return bound((products - (sumX * sumY) / count) / Math.sqrt(spreadX * spreadY), -1)
    },
  }
}

/**
 * The correlation ratio η of a number by its group: the share of its deviation that the groups' means explain.
 * `add` takes the number, then the group.
 * @param groups - numbered from 0
 * @see Fisher, "Statistical Methods for Research Workers" (1925), section 45
 */
export function createCorrelationRatio(centre: number, groups: number): Association {
  const counts = new Float64Array(groups)
  const sums = new Float64Array(groups)
  let squares = 0
  return {
    add(number, group) {
      const x = number - centre
      if (Number.isNaN(x + group)) return
      counts[group] = (counts[group] ?? 0) + 1
      sums[group] = (sums[group] ?? 0) + x
      squares += x * x
    },
    value() {
      const count = counts.reduce((all, one) => all + one, 0)
      const sum = sums.reduce((all, one) => all + one, 0)
      const spread = squares - (sum * sum) / count
      const present = counts.filter(one => one > 0).length
      if (present < 2 || !(spread > CONSTANT_SHARE * count * centre ** 2)) return null
      const between = sums.reduce(
        (all, one, group) => {
          const size = counts[group] ?? 0
          return size === 0 ? all : all + (one * one) / size
        },
        -(sum * sum) / count,
      )
      return bound(Math.sqrt(Math.max(0, between) / spread), 0)
    },
  }
}

/**
 * Cramér's V of two groupings, without correction for small numbers.
 * @see Cramér, "Mathematical Methods of Statistics" (1946), section 21.9
 */
export function createCramersV(ones: number, others: number): Association {
  const cells = new Float64Array(ones * others)
  return {
    add(one, other) {
      if (Number.isNaN(one + other)) return
      const cell = one * others + other
      cells[cell] = (cells[cell] ?? 0) + 1
    },
    value() {
      const rows = new Float64Array(ones)
      const columns = new Float64Array(others)
      cells.forEach((count, cell) => {
        rows[Math.floor(cell / others)] = (rows[Math.floor(cell / others)] ?? 0) + count
        columns[cell % others] = (columns[cell % others] ?? 0) + count
      })
      const smaller = Math.min(...[rows, columns].map(sums => sums.filter(sum => sum > 0).length))
      if (smaller < 2) return null
      // χ² / n = Σ count² / (row · column) − 1, over all cells
      const sum = cells.reduce((all, count, cell) => {
        if (count === 0) return all
        return all + count ** 2 / ((rows[Math.floor(cell / others)] ?? 0) * (columns[cell % others] ?? 0))
      }, -1)
      return bound(Math.sqrt(Math.max(0, sum) / (smaller - 1)), 0)
    },
  }
}

/** Rounding may take a perfect one a little beyond 1. */
function bound(value: number, least: number): number {
  return Math.min(1, Math.max(least, value))
}
