import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DatasetContent } from '../../../../src/datasets/content.ts'
import type { SplitName } from '../../../../src/datasets/schemas.ts'
import type { SplitSource } from '../../../../src/datasets/split-blocks.ts'
import { countDuplicates } from '../../../../src/datasets/statistics/count-duplicates.ts'
import { warnOfDuplicates } from '../../../../src/datasets/statistics/duplicate-warnings.ts'
import { createCellHasher, createRowHasher } from '../../../../src/datasets/statistics/hash-row.ts'
import { createRowTable } from '../../../../src/datasets/statistics/row-table.ts'

const BYTES = { shape: [3], dtype: 'uint8', columns: null, task: 'classification' } as const
const bytes: DatasetContent = {
  ...BYTES,
  shape: [3],
  kind: 'table',
  classes: ['a', 'b'],
  targets: [],
  splits: {},
}

/** A split in memory. */
function source(split: SplitName, features: Uint8Array, labels: Uint8Array, examples: number): SplitSource {
  const part = (from: Uint8Array) => async (offset: number, length: number) =>
    Buffer.from(from.slice(offset, offset + length))
  return { split, examples, readFeatures: part(features), readLabels: part(labels) }
}

function rowsOf(
  split: SplitName,
  rows: readonly (readonly number[])[],
  labels: readonly number[],
): SplitSource {
  const stored = new Uint8Array(Int32Array.from(labels).buffer)
  return source(split, Uint8Array.from(rows.flat()), stored, rows.length)
}

describe('examples that occur more than once', () => {
  it('are counted within splits, between them, and where their labels contradict each other', async () => {
    const train = rowsOf(
      'train',
      [
        [1, 2, 3],
        [4, 5, 6],
        [1, 2, 3],
        [1, 2, 3],
        [7, 8, 9],
      ],
      [0, 1, 0, 1, 0],
    )
    const test = rowsOf(
      'test',
      [
        [7, 8, 9],
        [1, 2, 3],
        [0, 0, 0],
        [7, 8, 9],
      ],
      [0, 0, 0, 1],
    )
    expect(await countDuplicates(bytes, [train, test])).toEqual({
      sampledShare: 1,
      splits: {
        train: { repeated: 2, contradictory: 1 },
        test: { repeated: 1, contradictory: 1 },
      },
      shared: [{ split: 'test', with: 'train', examples: 3 }],
    })
  })

  it('are compared by the cells of a table without its ids, missing values too', async () => {
    const column = { missing: 0, isConstant: false }
    const table: DatasetContent = {
      ...bytes,
      shape: [2],
      dtype: 'float64',
      columns: [
        { ...column, name: 'id', type: 'id' },
        { ...column, name: 'x', type: 'numeric' },
      ],
    }
    const cells = Float64Array.of(1, 0.5, 2, 0.5, 3, Number.NaN, 4, Number.NaN, 5, -0.5)
    const train = source('train', new Uint8Array(cells.buffer), new Uint8Array(4 * 5), 5)
    const { splits } = await countDuplicates(table, [train])
    expect(splits.train).toEqual({ repeated: 2, contradictory: 0 })
  })

  it('are as many as a set of texts finds, for any rows of any width', async () => {
    const row = (width: number) => fc.array(fc.nat(2), { minLength: width, maxLength: width })
    const splits = fc.integer({ min: 1, max: 9 }).chain(width => {
      return fc.record({
        width: fc.constant(width),
        train: fc.array(row(width), { minLength: 1, maxLength: 60 }),
        test: fc.array(row(width), { minLength: 1, maxLength: 60 }),
      })
    })
    await fc.assert(
      fc.asyncProperty(splits, async ({ width, train, test }) => {
        const zeros = (rows: readonly unknown[]) => rows.map(() => 0)
        const found = await countDuplicates({ ...bytes, shape: [width] }, [
          rowsOf('train', train, zeros(train)),
          rowsOf('test', test, zeros(test)),
        ])
        const known = new Set(train.map(String))
        expect(found.splits.train?.repeated).toBe(train.length - known.size)
        expect(found.splits.test?.repeated).toBe(test.length - new Set(test.map(String)).size)
        expect(found.shared[0]?.examples).toBe(test.filter(cells => known.has(String(cells))).length)
      }),
    )
  })

  it('are estimated from a fair sample when there are more rows than are remembered', async () => {
    const rows = 40_000
    const numbers = Float64Array.from({ length: rows }, (_, row) => row % (rows / 2))
    const half = Float64Array.from({ length: rows / 4 }, (_, row) => row)
    const wide: DatasetContent = { ...bytes, shape: [8] } // a float64 as bytes
    const split = (name: SplitName, values: Float64Array) =>
      source(name, new Uint8Array(values.buffer), new Uint8Array(4 * values.length), values.length)
    const found = await countDuplicates(
      wide,
      [split('train', numbers), split('test', half)],
      createRowTable(0, 4_096),
    )
    expect(found.sampledShare).toBe(2 ** -3) // 2,500 of 20,000 different rows fit, 5,000 do not
    // 20,000 and 10,000 in truth. A sample of 2,500 has a standard deviation of 2 %, one of 1,250 of 2.8 %.
    expect(Math.abs((found.splits.train?.repeated ?? 0) - 20_000)).toBeLessThan(20_000 * 0.08)
    expect(Math.abs((found.shared[0]?.examples ?? 0) - 10_000)).toBeLessThan(10_000 * 0.11)
  })
})

describe('the hash of a row', () => {
  it('is another for each of 200,000 rows that differ in one bit or two', () => {
    const width = 80
    const seen = new Set<string>()
    const row = new Uint8Array(width)
    const hash = createRowHasher(row, width)
    let rows = 0
    for (let one = 0; one < 8 * width; one++) {
      for (let other = one; other < 8 * width; other++) {
        row.fill(0)
        row[one >> 3] = (row[one >> 3] ?? 0) ^ (1 << (one & 7))
        if (other !== one) row[other >> 3] = (row[other >> 3] ?? 0) ^ (1 << (other & 7))
        seen.add(hash(0).join())
        rows++
      }
    }
    expect(rows).toBeGreaterThan(200_000)
    expect(seen.size).toBe(rows)
  })

  it('is evenly spread: each bit is set for about half of the rows', () => {
    const counts = new Float64Array(64)
    const numbers = Float64Array.from({ length: 20_000 }, (_, at) => at)
    const hash = createCellHasher(numbers, 1, [0])
    for (let row = 0; row < numbers.length; row++) {
      const halves = hash(row)
      for (let bit = 0; bit < 64; bit++) {
        counts[bit] = (counts[bit] ?? 0) + (((halves[bit >> 5] ?? 0) >>> (bit & 31)) & 1)
      }
    }
    // A standard deviation is 71; six of them are not met by chance.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(430)
  })
})

describe('the words about duplicates', () => {
  const figures = {
    sampledShare: 1,
    splits: { train: { repeated: 10, contradictory: 700 }, test: { repeated: 500, contradictory: 0 } },
    shared: [{ split: 'test', with: 'train', examples: 412 }] as const,
  }
  const examples = { train: { examples: 60_000 }, test: { examples: 10_000 } }

  it('name each leak, and copies and contradictions where they are many', () => {
    const said = warnOfDuplicates({ ...figures, shared: [...figures.shared] }, examples, 'classification')
    expect(said).toEqual([
      '412 of 10,000 examples of test are in train too (a leak): a score on test promises too much.',
      '700 of 60,000 examples of train have the features of an earlier one and another label.',
      '500 of 10,000 examples of test are copies of earlier ones.',
    ])
  })

  it('say that a sampled count is about right, and leave out what is normal for numbers', () => {
    const sampled = { ...figures, shared: [...figures.shared], sampledShare: 0.5 }
    const said = warnOfDuplicates(sampled, examples, 'regression')
    expect(said).toHaveLength(2)
    expect(said[0]).toMatch(/^About 412 of 10,000/)
  })
})
