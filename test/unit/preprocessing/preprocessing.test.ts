import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Column } from '../../../src/datasets/columns.ts'
import { createEncoder, scaleTargets } from '../../../src/preprocessing/encoder.ts'
import { type FittingExamples, fitPreprocessing } from '../../../src/preprocessing/fit.ts'
import { countInputs, inputNames } from '../../../src/preprocessing/inputs.ts'
import type { PreprocessingRequest } from '../../../src/preprocessing/preprocessing.ts'
import { resolvePreprocessing } from '../../../src/preprocessing/resolve.ts'

const about = { missing: 0, isConstant: false }
const COLUMNS: Column[] = [
  { name: 'age', type: 'numeric', ...about, missing: 1 },
  { name: 'constructor', type: 'boolean', ...about },
  { name: 'city', type: 'categorical', categories: ['a', 'b', 'c'], counts: [3, 2, 1], ...about },
  { name: 'when', type: 'datetime', hasTime: false, ...about },
  { name: 'same', type: 'numeric', ...about, isConstant: true },
  { name: 'id', type: 'id', ...about },
]
const TABLE = {
  kind: 'table',
  columns: COLUMNS,
  dtype: 'float64',
  task: 'classification',
  shape: [6],
} as const
const IMAGES = {
  kind: 'image',
  columns: null,
  dtype: 'uint8',
  task: 'classification',
  shape: [2, 2, 1],
} as const

function resolve(request: PreprocessingRequest, content: typeof TABLE | typeof IMAGES = TABLE) {
  const preprocessing = resolvePreprocessing(request, content as never)
  if ('errors' in preprocessing) throw new Error(JSON.stringify(preprocessing.errors))
  return preprocessing
}

function errorsOf(request: PreprocessingRequest, content: object = TABLE): string[] {
  const result = resolvePreprocessing(request, content as never)
  return 'errors' in result ? result.errors.map(({ pointer }) => pointer ?? '') : []
}

/** Rows of cells as the trainer reads them. */
function examplesOf(
  rows: readonly (readonly number[])[],
  targets: Float32Array | null = null,
): FittingExamples {
  return {
    columns: COLUMNS,
    count: rows.length,
    features: rows[0]?.length ?? 0,
    targets,
    readFeature: feature => Float64Array.from(rows, row => row[feature] ?? Number.NaN),
  }
}

describe('preprocessing of a table', () => {
  it('leaves constant and id-like columns out, and names every input', () => {
    const preprocessing = resolve({})
    expect(inputNames(preprocessing, TABLE as never)).toEqual([
      'age: value',
      'age: is missing',
      'constructor: value',
      'city: is a',
      'city: is b',
      'city: is c',
      'when: sine of month',
      'when: cosine of month',
      'when: sine of dayOfWeek',
      'when: cosine of dayOfWeek',
      'when: elapsed',
    ])
    expect(countInputs(preprocessing, TABLE as never)).toBe(11)
  })

  it('uses a constant column when it is asked for, and leaves out what is null', () => {
    const preprocessing = resolve({
      columns: { same: {}, city: null, when: null, constructor: null, age: { indicator: false } },
    })
    expect(inputNames(preprocessing, TABLE as never)).toEqual(['age: value', 'same: value'])
  })

  it.each([
    [{ scale: 2 }, '/preprocessing/scale'],
    [{ columns: { nobody: {} } }, '/preprocessing/columns/nobody'],
    [{ columns: { 'a/b~c': {} } }, '/preprocessing/columns/a~1b~0c'],
    [{ columns: { toString: {} } }, '/preprocessing/columns/toString'],
    [{ columns: { id: {} } }, '/preprocessing/columns/id'],
    [{ columns: { age: { parts: ['month'] } } }, '/preprocessing/columns/age/parts'],
    [{ columns: { city: { clip: [0, 1] } } }, '/preprocessing/columns/city/clip'],
    [{ columns: { age: { impute: 'category' } } }, '/preprocessing/columns/age/impute'],
    [{ columns: { age: null, constructor: null, city: null, when: null } }, '/preprocessing/columns'],
    [{ target: 'minMax' }, '/preprocessing/target'],
  ] as [PreprocessingRequest, string][])('refuses %j', (request, pointer) => {
    expect(errorsOf(request)).toEqual([pointer])
  })

  it('gives a row the same inputs alone, among others, and when its figures were stored and read', () => {
    const cell = fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constant(Number.NaN))
    const row = fc.tuple(
      cell,
      fc.constantFrom(0, 1, Number.NaN),
      fc.constantFrom(0, 1, 2, Number.NaN),
      fc.integer({ min: -1e12, max: 1e12 }),
      fc.constant(4),
      fc.integer(),
    )
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), row, (training, unseen) => {
        const fitted = fitPreprocessing(resolve({}), examplesOf(training))
        const encoder = createEncoder(fitted, COLUMNS, [COLUMNS.length])
        const stored = createEncoder(JSON.parse(JSON.stringify(fitted)), COLUMNS, [COLUMNS.length])
        const all = [...training, unseen]
        const together = encoder.encode(Float64Array.from(all.flat()), all.length)
        for (const [index, cells] of all.entries()) {
          const own = together.subarray(index * encoder.inputUnits, (index + 1) * encoder.inputUnits)
          expect(stored.encode(Float64Array.from(cells), 1)).toEqual(own)
          if (index < training.length) expect(own.every(Number.isFinite)).toBe(true)
        }
      }),
    )
  })

  it('learns its figures from the training examples alone', () => {
    const training = [
      [1, 0, 0, 0, 4, 0],
      [3, 1, 1, 0, 4, 0],
    ]
    const fitted = fitPreprocessing(
      resolve({ columns: { city: null, when: null, constructor: null } }),
      examplesOf(training),
    )
    const encoder = createEncoder(fitted, COLUMNS, [COLUMNS.length])
    expect(Array.from(encoder.encode(Float64Array.from([5, 0, 0, 0, 4, 0]), 1))).toEqual([3, 0])
  })
})

describe('preprocessing of numbers', () => {
  const rows = [
    [0, 10, 0, 4],
    [2, 30, 0, 4],
  ]

  it('takes bytes to 0 … 1 in the graph, and leaves them bytes before', () => {
    const fitted = fitPreprocessing(resolve({}, IMAGES), { ...examplesOf(rows), columns: null })
    const encoder = createEncoder(fitted, null, [2, 2, 1])
    const bytes = Uint8Array.of(1, 2, 3, 4)
    expect(encoder.encode(bytes, 1)).toBe(bytes)
    expect(encoder.scaling).toEqual({ scale: 1 / 255, offset: 0 })
  })

  it('standardizes all features alike, by the figures of all numbers', () => {
    const fitted = fitPreprocessing(resolve({ standardize: 'global' }, IMAGES), {
      ...examplesOf(rows),
      columns: null,
    })
    const { scale, offset } = createEncoder(fitted, null, [2, 2, 1]).scaling
    const numbers = rows.flat()
    const center = numbers.reduce((sum, number) => sum + number, 0) / numbers.length
    const spread = Math.sqrt(
      numbers.reduce((sum, number) => sum + (number - center) ** 2, 0) / numbers.length,
    )
    expect(10 * scale + offset).toBeCloseTo((10 - center) / spread, 12)
  })

  it('standardizes each feature by itself; one that never changes becomes zero', () => {
    const fitted = fitPreprocessing(resolve({ standardize: 'perFeature' }, IMAGES), {
      ...examplesOf(rows),
      columns: null,
    })
    const encoder = createEncoder(fitted, null, [2, 2, 1])
    expect(Array.from(encoder.encode(Uint8Array.of(2, 10, 0, 4), 1))).toEqual([1, -1, 0, 0])
  })

  it.each([
    [{ standardize: 'global', scale: 1 }, '/preprocessing/standardize'],
    [{ columns: {} }, '/preprocessing/columns'],
  ] as [PreprocessingRequest, string][])('refuses %j', (request, pointer) => {
    expect(errorsOf(request, IMAGES)).toEqual([pointer])
  })
})

describe('targets of a regression', () => {
  it('are standardized each by itself, and come back in their own units', () => {
    const targets = Float32Array.of(1, 100, 3, 300)
    const fitted = fitPreprocessing(
      { scale: 1, target: 'standardize' },
      { ...examplesOf([[0], [0]], targets), columns: null },
    )
    const scaled = scaleTargets(fitted, targets.slice(), 'toNetwork')
    expect(Array.from(scaled)).toEqual([-1, -1, 1, 1])
    expect(Array.from(scaleTargets(fitted, scaled, 'toUnits'))).toEqual([1, 100, 3, 300])
  })

  it('are standardized unless something else is asked for', () => {
    expect(resolvePreprocessing({}, { ...TABLE, task: 'regression' } as never)).toMatchObject({
      target: 'standardize',
    })
    expect(errorsOf({ target: 'none' })).toEqual([])
  })
})
