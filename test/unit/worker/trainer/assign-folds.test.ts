import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignFolds } from '../../../../worker/trainer/assign-folds.ts'

const plans = fc.integer({ min: 2, max: 200 }).chain(examples =>
  fc.record({
    examples: fc.constant(examples),
    folds: fc.integer({ min: 2, max: Math.min(12, examples) }),
    seed: fc.integer({ min: 0, max: 1_000 }),
    labels: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: examples, maxLength: examples }),
    groups: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: examples, maxLength: examples }),
  }),
)

/** How many rows each fold has of those that are asked for. */
function countRows(foldOf: Int32Array, folds: number, isAsked: (row: number) => boolean = () => true) {
  const counts = new Array<number>(folds).fill(0)
  foldOf.forEach((fold, row) => {
    if (isAsked(row)) counts[fold] = (counts[fold] ?? Number.NaN) + 1
  })
  return counts
}

const spread = (counts: readonly number[]) => Math.max(...counts) - Math.min(...counts)

/** A group without a number is a group too. */
const asGroups = (groups: readonly number[]) =>
  Float64Array.from(groups, group => (group === 0 ? Number.NaN : group))

describe('folds', () => {
  it('have each row once, sizes that differ by one at most, the larger first, and are the same for a seed', () => {
    fc.assert(
      fc.property(plans, ({ examples, folds, seed }) => {
        const foldOf = assignFolds({ examples, folds, seed })
        const counts = countRows(foldOf, folds)
        expect(foldOf).toHaveLength(examples)
        expect(counts.reduce((sum, count) => sum + count)).toBe(examples)
        expect(spread(counts)).toBeLessThanOrEqual(1)
        expect(counts).toEqual(counts.toSorted((a, b) => b - a))
        expect(assignFolds({ examples, folds, seed })).toEqual(foldOf)
      }),
    )
    const [one, other] = [1, 2].map(seed => assignFolds({ examples: 100, folds: 5, seed }))
    expect(one).not.toEqual(other)
  })

  it('have every class in proportion, to one row at most, and sizes as without classes', () => {
    fc.assert(
      fc.property(plans, ({ labels, groups: _groups, ...plan }) => {
        const foldOf = assignFolds({ ...plan, classes: Int32Array.from(labels) })
        const sizes = countRows(assignFolds(plan), plan.folds)
        expect(countRows(foldOf, plan.folds)).toEqual(sizes)
        for (const label of new Set(labels)) {
          expect(spread(countRows(foldOf, plan.folds, row => labels[row] === label))).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  it('never cut a group, with classes or without, and are empty only where there are too few groups', () => {
    fc.assert(
      fc.property(plans, fc.boolean(), ({ labels, groups, ...plan }, isStratified) => {
        const classes = isStratified ? { classes: Int32Array.from(labels) } : {}
        const foldOf = assignFolds({ ...plan, groups: asGroups(groups), ...classes })
        const present = new Set(groups).size
        expect(new Set(groups.map((group, row) => `${group}:${foldOf[row]}`)).size).toBe(present)
        const filled = countRows(foldOf, plan.folds).filter(count => count > 0).length
        expect(filled).toBe(Math.min(plan.folds, present))
      }),
    )
  })

  it('of groups differ by no more than the largest group', () => {
    fc.assert(
      fc.property(plans, ({ labels: _labels, groups, ...plan }) => {
        const foldOf = assignFolds({ ...plan, groups: asGroups(groups) })
        const largest = Math.max(...new Set(groups.map(one => groups.filter(group => group === one).length)))
        expect(spread(countRows(foldOf, plan.folds))).toBeLessThanOrEqual(largest)
      }),
    )
  })

  it('of groups keep every class in proportion as well as whole groups can', () => {
    // 60 customers of 5 rows; every third buys a fourth time in five, the others once.
    const rows = Array.from({ length: 300 }, (_, row) => ({ customer: Math.floor(row / 5), place: row % 5 }))
    const labels = rows.map(({ customer, place }) => (place < (customer % 3 === 0 ? 4 : 1) ? 1 : 0))
    const plan = { examples: 300, folds: 5, groups: Float64Array.from(rows, ({ customer }) => customer) }
    for (let seed = 0; seed < 10; seed++) {
      const foldOf = assignFolds({ ...plan, seed, classes: Int32Array.from(labels) })
      expect(countRows(foldOf, 5)).toEqual([60, 60, 60, 60, 60])
      expect(countRows(foldOf, 5, row => labels[row] === 1)).toEqual([24, 24, 24, 24, 24])
    }
  })
})
