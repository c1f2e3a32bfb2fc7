import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRowChooser } from '../../../../src/datasets/statistics/choose-rows.ts'
import { addColumn, createColumnProfile } from '../../../../src/datasets/statistics/column-profile.ts'
import { createSpreadFinder } from '../../../../src/datasets/statistics/column-spread.ts'
import {
  type Association,
  createCorrelationRatio,
  createCramersV,
  createPearson,
} from '../../../../src/datasets/statistics/correlation.ts'
import { createNumberBins } from '../../../../src/datasets/statistics/number-bins.ts'
import { quantile } from '../../../../src/datasets/statistics/quantile.ts'
import { createRandom } from '../../../../src/mlp/random.ts'

const finite = fc.double({ noNaN: true, noDefaultInfinity: true })

describe('a quantile', () => {
  it('is on the line between its neighbours', () => {
    const sorted = Float64Array.of(1, 2, 4, 8)
    // Places 0.75, 1.5 and 2.25: 1 + 0.75, 2 + 0.5 · 2, 4 + 0.25 · 4.
    expect([0.25, 0.5, 0.75].map(share => quantile(sorted, share))).toEqual([1.75, 3, 5])
    expect([0, 1].map(share => quantile(sorted, share))).toEqual([1, 8])
    expect(quantile(Float64Array.of(7), 0.3)).toBe(7)
    expect(quantile(Float64Array.of(-1e308, 1e308), 0.5)).toBe(0)
  })

  it('leaves at most its share of the numbers below it, and the rest above', () => {
    const numbers = fc.array(finite, { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(numbers, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
        const sorted = Float64Array.from(values).sort()
        const found = quantile(sorted, share)
        const last = sorted.length - 1
        expect(sorted.filter(value => value < found).length).toBeLessThanOrEqual(Math.ceil(share * last))
        expect(sorted.filter(value => value > found).length).toBeLessThanOrEqual(
          last - Math.floor(share * last),
        )
      }),
    )
  })
})

describe('a histogram', () => {
  it('has a bin for each of a few whole numbers', () => {
    const bins = createNumberBins(-2, 3, true)
    for (const value of [-2, -2, -1, 1, 3, 3, 3]) bins.add(value)
    expect([...bins.counts]).toEqual([2, 1, 0, 1, 0, 3])
  })

  it('counts each number once, whatever the numbers are', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 60 }), numbers => {
        const bins = createNumberBins(Math.min(...numbers), Math.max(...numbers), false)
        for (const value of numbers) bins.add(value)
        expect(bins.counts.reduce((sum, count) => sum + count, 0)).toBe(numbers.length)
      }),
    )
  })

  it('counts each number between the ends of its bin', () => {
    const number = fc.double({ min: -1e6, max: 1e6, noNaN: true })
    const numbers = fc.oneof(fc.array(number, { minLength: 2 }), fc.array(fc.integer(), { minLength: 2 }))
    fc.assert(
      fc.property(numbers, values => {
        const [from, to] = [Math.min(...values), Math.max(...values)]
        for (const value of values) {
          const { counts, add } = createNumberBins(from, to, values.every(Number.isInteger))
          add(value)
          const bin = counts.indexOf(1)
          const width = (to - from) / counts.length
          const rounding = 1e-9 * (Math.abs(from) + Math.abs(to)) + 1e-300
          expect(value).toBeGreaterThanOrEqual(from + bin * width - rounding)
          expect(value).toBeLessThanOrEqual(from + (bin + 1) * width + rounding)
        }
      }),
    )
  })
})

describe('the spread of a column', () => {
  it('has quartiles, fences, outliers and a histogram, without missing values', async () => {
    // Quartiles of 1, 2, 3, 4, 100: 2, 3 and 4; fences 2 − 3 and 4 + 3.
    const cells = Float64Array.of(0, 4, 0, Number.NaN, 0, 1, 0, 100, 0, 2, 0, 3)
    const finder = createSpreadFinder(2, [1], 6)
    const profiles = [createColumnProfile(), createColumnProfile()]
    profiles.forEach((profile, column) => {
      addColumn(profile, cells, 2, column, 6, 0)
    })
    for (let row = 0; row < 6; row++) finder.keep(cells, row)
    await finder.settle(profiles)
    finder.count(cells, 6)
    const spread = finder.spreadOf(1)
    expect(spread).toMatchObject({ quartiles: [2, 3, 4], lowerFence: -1, upperFence: 7, below: 0, above: 1 })
    expect(spread?.bins.counts[0]).toBe(4)
    expect(spread?.bins.counts[31]).toBe(1)
    expect(finder.spreadOf(0)).toBeNull()
  })
})

describe('a sample of rows', () => {
  it('has as many as are wanted, and all when there are no more', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(400), fc.nat(), (rows, wanted, seed) => {
        const choose = createRowChooser(createRandom(seed, 'sample'), rows, wanted)
        const chosen = Array.from({ length: rows }, choose).filter(Boolean)
        expect(chosen).toHaveLength(Math.min(rows, wanted))
      }),
    )
  })

  it('is fair: each row is chosen about equally often', () => {
    const counts = Array.from({ length: 10 }, () => 0)
    for (let seed = 0; seed < 3_000; seed++) {
      const choose = createRowChooser(createRandom(seed, 'sample'), 10, 3)
      for (let row = 0; row < 10; row++) if (choose()) counts[row] = (counts[row] ?? 0) + 1
    }
    // 900 each, with a standard deviation of 25.
    for (const count of counts) expect(Math.abs(count - 900)).toBeLessThan(150)
  })
})

function feed(association: Association, pairs: readonly (readonly [number, number])[]): number | null {
  for (const [one, other] of pairs) association.add(one, other)
  return association.value()
}

describe('correlation', () => {
  it('of numbers is Pearson’s r', () => {
    // Deviations −1.5 −0.5 0.5 1.5 and −2 −1 2 1: products 3 + 0.5 + 1 + 1.5 = 6; squares 5 and 10.
    const pairs = [
      [1, 10],
      [2, 11],
      [Number.NaN, 5],
      [3, 14],
      [4, 13],
      [9, Number.NaN],
    ] as const
    expect(feed(createPearson([2, 12]), pairs)).toBeCloseTo(6 / Math.sqrt(50), 12)
    expect(feed(createPearson([0, 0]), pairs)).toBeCloseTo(6 / Math.sqrt(50), 12)
    expect(
      feed(createPearson([1e9, 0]), [
        [1e9 + 1, 2],
        [1e9 + 2, 4],
        [1e9 + 3, 6],
      ]),
    ).toBe(1)
  })

  it('of a number and groups is the share of its deviation between them', () => {
    // Groups 1 2 3 and 4 5 6, mean 3.5: between 2 · 3 · 1.5² = 13.5, in all 17.5.
    const pairs = [1, 2, 3, 4, 5, 6].map((number, index) => [number, index < 3 ? 0 : 1] as const)
    expect(feed(createCorrelationRatio(3, 3), pairs)).toBeCloseTo(Math.sqrt(13.5 / 17.5), 12)
  })

  it('of two groupings is Cramér’s V', () => {
    // 3 and 1, 1 and 3: χ² = 8 · (3 · 3 − 1 · 1)² / 4⁴ = 2, V = √(2 / 8).
    const pairs = [0, 0, 0, 1, 0, 1, 1, 1].map((other, index) => [index < 4 ? 0 : 1, other] as const)
    expect(feed(createCramersV(3, 2), pairs)).toBeCloseTo(0.5, 12)
    expect(
      feed(createCramersV(2, 2), [
        [0, 0],
        [1, 1],
      ]),
    ).toBe(1)
  })

  it('is null where one side never changes, also when its mean is not exact', () => {
    const constant = Array.from({ length: 30 }, (_, at) => [0.1, at] as const)
    const mean = constant.reduce((sum, [x]) => sum + x, 0) / 30
    expect(feed(createPearson([mean, 14.5]), constant)).toBeNull()
    expect(feed(createCorrelationRatio(mean, 30), constant)).toBeNull()
    expect(
      feed(createCramersV(2, 2), [
        [0, 0],
        [0, 1],
      ]),
    ).toBeNull()
    expect(feed(createPearson([0, 0]), [])).toBeNull()
  })
})
