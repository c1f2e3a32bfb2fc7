import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseHeldOut } from '../../../../worker/trainer/hold-out.ts'

const sizes = fc.integer({ min: 2, max: 200 }).chain(examples =>
  fc.record({
    examples: fc.constant(examples),
    wanted: fc.integer({ min: 1, max: examples - 1 }),
    seed: fc.integer({ min: 0, max: 1_000 }),
    labels: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: examples, maxLength: examples }),
  }),
)

const isAscending = (rows: Int32Array) =>
  rows.every((row, index) => index === 0 || row > (rows[index - 1] ?? 0))

describe('rows that are held out', () => {
  it('are as many as wanted, each once, the same for the same seed', () => {
    fc.assert(
      fc.property(sizes, how => {
        const held = chooseHeldOut(how)
        expect(held).toHaveLength(how.wanted)
        expect(isAscending(held)).toBe(true)
        expect(chooseHeldOut(how)).toEqual(held)
      }),
    )
  })

  it('keep every class in proportion, to less than one row', () => {
    fc.assert(
      fc.property(sizes, ({ labels, ...how }) => {
        const held = chooseHeldOut({ ...how, classes: Int32Array.from(labels) })
        expect(held).toHaveLength(how.wanted)
        for (const label of new Set(labels)) {
          const share = (labels.filter(one => one === label).length * how.wanted) / how.examples
          const own = held.filter(row => labels[row] === label).length
          expect(Math.abs(own - share)).toBeLessThan(1)
        }
      }),
    )
  })

  it('keep groups whole, missing ones too, and never take the last', () => {
    fc.assert(
      fc.property(sizes, ({ labels, ...how }) => {
        const groups = Float64Array.from(labels, label => (label === 3 ? Number.NaN : label))
        const held = new Set(chooseHeldOut({ ...how, groups }))
        const sides = labels.map((label, row) => `${label}:${held.has(row)}`)
        expect(new Set(sides).size).toBe(new Set(labels).size)
        const present = new Set(labels).size
        if (present > 1) expect(held.size).toBeGreaterThan(0)
        expect(held.size).toBeLessThan(how.examples)
      }),
    )
  })

  it('are the latest, but for rows without a time', () => {
    const times = Float64Array.of(5, Number.NaN, 9, 1, 9, 7)
    expect(Array.from(chooseHeldOut({ examples: 6, wanted: 3, seed: 1, times }))).toEqual([2, 4, 5])
  })
})
