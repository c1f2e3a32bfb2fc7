import { describe, expect, it } from 'vitest'
import type { Column } from '../../../src/datasets/columns.ts'
import type { ColumnRequest } from '../../../src/preprocessing/columns/column-request.ts'
import { type ColumnSpec, columnKindOf } from '../../../src/preprocessing/columns/registry.ts'

const none = { missing: 0, isConstant: false }
const AGE: Column = { name: 'age', type: 'numeric', ...none }
const HOLEY: Column = { ...AGE, missing: 1 }
const MEMBER: Column = { name: 'member', type: 'boolean', ...none }
const CITY: Column = {
  name: 'city',
  type: 'categorical',
  categories: ['Bern', 'Oslo', 'Rome', 'Ulm'],
  counts: [5, 3, 1, 0],
  ...none,
}
const WHEN: Column = { name: 'when', type: 'datetime', hasTime: true, ...none }

function kindOf(column: Column) {
  const kind = columnKindOf(column.type)
  if (!kind) throw new Error(`${column.type} cannot be an input`)
  return kind
}

/** Fits a column on some cells, and gives what others become. */
function inputs(column: Column, request: ColumnRequest, training: number[], cells: number[]): number[][] {
  const kind = kindOf(column)
  const spec = kind.resolve(column, request)
  const fitted = kind.fit(column, spec, Float64Array.from(training))
  const encode = kind.compile(column, fitted)
  const width = kind.width(fitted)
  expect(kind.inputs(spec)).toHaveLength(width)
  return cells.map(cell => {
    const row = new Float32Array(width + 2).fill(9)
    encode(cell, row, 1)
    expect([row[0], row[width + 1]]).toEqual([9, 9]) // the neighbours' are left alone
    return Array.from(row.subarray(1, width + 1))
  })
}

const rounded = (rows: number[][]) => rows.map(row => row.map(number => Number(number.toFixed(4))))

describe('a numeric column', () => {
  it('is standardized by the mean and the population deviation of the training cells', () => {
    expect(inputs(AGE, {}, [1, 3], [1, 3, 7])).toEqual([[-1], [1], [5]])
  })

  it('that is constant becomes zero, not infinite', () => {
    expect(inputs(AGE, {}, [4, 4], [4, 5])).toEqual([[0], [1]])
    const [[equal], [other]] = inputs(AGE, {}, [0.1, 0.1, 0.1], [0.1, 1.1]) as [[number], [number]]
    expect([equal, other]).toEqual([expect.closeTo(0, 12), expect.closeTo(1, 6)])
  })

  it.each([
    ['median', [1, 2, 9], 2],
    ['mean', [1, 2, 9], 4],
    ['mostFrequent', [9, 9, 1, 1, 2], 1],
  ] as const)('fills missing cells with the %s of those that are there', (impute, training, fill) => {
    const all = [...training, Number.NaN]
    expect(inputs(AGE, { impute, scale: 'none' }, all, [Number.NaN])).toEqual([[fill]])
  })

  it('fills with a constant, and tells what is missing where the training split has such', () => {
    const request = { impute: 'constant', fill: -1, scale: 'none' } as const
    expect(inputs(HOLEY, request, [5], [Number.NaN, 5])).toEqual([
      [-1, 1],
      [5, 0],
    ])
    expect(inputs(HOLEY, { ...request, indicator: false }, [5], [Number.NaN])).toEqual([[-1]])
  })

  it('is cut off at quantiles, then logarithmic, then brought to 0 … 1', () => {
    const training = [0, 1, 2, 3, 1_000]
    const request: ColumnRequest = { clip: [0, 0.75], log1p: true, scale: 'minMax' }
    expect(rounded(inputs(AGE, request, training, [0, 3, 1_000, -5]))).toEqual([[0], [1], [1], [0]])
    expect(rounded(inputs(AGE, { log1p: true, scale: 'none' }, training, [-2, 2]))).toEqual([
      [-1.0986],
      [1.0986],
    ])
  })

  it('refuses options that make no sense', () => {
    expect(() => kindOf(AGE).resolve(AGE, { impute: 'category' })).toThrow('indicator')
    expect(() => kindOf(AGE).resolve(AGE, { clip: [0.9, 0.1] })).toThrow('must ascend')
    expect(() => kindOf(AGE).resolve(AGE, { impute: 'constant' })).toThrow('must be a number')
  })
})

describe('a boolean column', () => {
  it('is 0 and 1, and the more frequent one where it is missing', () => {
    expect(inputs(MEMBER, {}, [1, 1, 0], [0, 1, Number.NaN])).toEqual([[0], [1], [1]])
  })

  it('refuses other figures', () => {
    expect(() => kindOf(MEMBER).resolve(MEMBER, { impute: 'median' })).toThrow('mostFrequent or constant')
    expect(() => kindOf(MEMBER).resolve(MEMBER, { impute: 'constant', fill: 2 })).toThrow('0 or 1')
  })
})

describe('a categorical column', () => {
  it('has an input for each category of the training split; others are all zeros', () => {
    expect(inputs(CITY, {}, [0, 1, 2], [0, 2, 3, -1, Number.NaN])).toEqual([
      [1, 0, 0],
      [0, 0, 1],
      [0, 0, 0],
      [0, 0, 0],
      [1, 0, 0], // the most frequent one, the first of equals
    ])
  })

  it('puts rare categories and those never seen together', () => {
    expect(inputs(CITY, { rareBelow: 2 }, [0, 1, 2], [1, 2, 3, -1])).toEqual([
      [0, 1, 0],
      [0, 0, 1],
      [0, 0, 1],
      [0, 0, 1],
    ])
    expect(inputs(CITY, { maxCategories: 1, rare: false }, [0], [0, 1])).toEqual([[1], [0]])
  })

  it('has an input for missing cells when the training split has such', () => {
    const column = { ...CITY, missing: 2 }
    expect(inputs(column, {}, [0], [Number.NaN, 0])).toEqual([
      [0, 0, 0, 1],
      [1, 0, 0, 0],
    ])
    expect(inputs(column, { impute: 'constant', fill: 'Oslo' }, [0], [Number.NaN])).toEqual([[0, 1, 0]])
  })

  it('goes from 0 to 1 in the order that is asked for', () => {
    const request = { encode: 'ordinal', categories: ['Rome', 'Bern', 'Oslo'] } as const
    expect(
      inputs(CITY, { ...request, categories: [...request.categories] }, [2, 2, 1], [2, 0, 1, 3]),
    ).toEqual([[0], [0.5], [1], [0]])
  })

  it('refuses what is no category', () => {
    expect(() => kindOf(CITY).resolve(CITY, { categories: ['Paris'] })).toThrow('Paris')
    expect(() => kindOf(CITY).resolve(CITY, { impute: 'constant', fill: 'Paris' })).toThrow('Paris')
    expect(() => kindOf(CITY).resolve(CITY, { rareBelow: 99 })).toThrow('at least one category')
  })
})

describe('a datetime column', () => {
  const noon = Date.parse('2024-01-07T12:00:00Z') // a Sunday
  const july = Date.parse('2024-07-07T00:00:00Z')

  it('is points on circles, and how late it is', () => {
    expect(rounded(inputs(WHEN, {}, [noon, july], [noon, july]))).toEqual([
      [0, 1, 0, 1, 0, -1, -1],
      [0, -1, 0, 1, 0, 1, 1],
    ])
  })

  it('takes the parts that are asked for, and the median where it is missing', () => {
    const request: ColumnRequest = { parts: ['dayOfMonth'], elapsed: false, indicator: true }
    const [missing, present] = inputs(WHEN, request, [noon], [Number.NaN, noon])
    expect(missing).toEqual([...(present ?? []).slice(0, 2), 1])
  })

  it('refuses to leave nothing', () => {
    expect(() => kindOf(WHEN).resolve(WHEN, { parts: [], elapsed: false })).toThrow('nothing of the time')
    expect(() => kindOf(WHEN).resolve(WHEN, { impute: 'constant', fill: 'soon' })).toThrow('ISO 8601')
  })
})

describe('what was resolved', () => {
  it.each([
    [AGE, { clip: [0.01, 0.99], impute: 'constant', fill: 3 }],
    [HOLEY, {}],
    [MEMBER, { impute: 'constant', fill: 1 }],
    [CITY, { rareBelow: 2 }],
    [CITY, { encode: 'ordinal' }],
    [{ ...CITY, missing: 3 }, {}],
    [WHEN, {}],
  ] as [Column, ColumnRequest][])('is a request that asks for the same: %j', (column, request) => {
    const kind = kindOf(column)
    const spec: ColumnSpec = kind.resolve(column, request)
    expect(kind.resolve(column, spec as ColumnRequest)).toEqual(spec)
    expect(Object.keys(spec).every(option => (kind.options as string[]).includes(option))).toBe(true)
  })
})
