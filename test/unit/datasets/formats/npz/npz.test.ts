import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTestFolder } from '../../../../helpers/folder.ts'
import { npyFile, npzFile, type TestArray } from '../../../../helpers/npy.ts'
import { createUploader, type Parts } from '../../../../helpers/upload.ts'
import { zipFile } from '../../../../helpers/zip.ts'

async function upload(parts: Parts, pieceBytes?: number) {
  const uploader = createUploader(await createTestFolder())
  const dataset = await uploader.upload(parts, pieceBytes)
  return { dataset, uploader, examples: await uploader.examples(dataset) }
}

const bytes = (count: number) => Array.from({ length: count }, (_, index) => (index * 37) % 256)
const x = { descr: '|u1', shape: [4, 2, 3], items: bytes(24) } satisfies TestArray
const y = { descr: '<i8', shape: [4], items: [7, 3, 7, 10] } satisfies TestArray

describe('an NPZ with the names of Keras', () => {
  const test = { descr: '|u1', shape: [2, 2, 3], items: bytes(12).reverse() }
  const parts = { x_train: x, y_train: y, x_test: test, y_test: { ...y, shape: [2], items: [3, 7] } }

  it.each([
    ['stored', npzFile(parts), 65_536],
    ['deflated', npzFile(parts, true), 100],
    ['packed once more', gzipSync(npzFile(parts)), 7],
  ])('becomes images and classes, %s', async (_, file, pieceBytes) => {
    const { dataset, examples, uploader } = await upload({ file }, pieceBytes)
    expect(dataset).toMatchObject({
      format: 'npz',
      kind: 'image',
      dtype: 'uint8',
      shape: [2, 3, 1],
      columns: null,
      task: 'classification',
      classes: ['3', '7', '10'],
      splits: {
        train: { examples: 4, classCounts: { 3: 1, 7: 2, 10: 1 } },
        test: { examples: 2, classCounts: { 3: 1, 7: 1, 10: 0 } },
      },
      statistics: { splits: { train: { min: 0, max: 228 } } },
    })
    expect(examples.map(({ label }) => label)).toEqual(['7', '3', '7', '10'])
    expect(examples.flatMap(({ features }) => features)).toEqual(x.items)
    const tests = await uploader.examples(dataset, 'test')
    expect(tests.map(({ features }) => features)).toEqual([test.items.slice(0, 6), test.items.slice(6)])
    expect(await uploader.files()).toMatchObject({ blobs: { length: 4 }, drafts: [] })
  })

  it('may be one file for each split', async () => {
    const { dataset, uploader } = await upload({
      train: npzFile({ X: x, y }),
      validation: npzFile({ x_val: test, y_val: { ...y, shape: [2], items: [3, 7] } }),
    })
    expect(Object.keys(dataset.splits)).toEqual(['train', 'validation'])
    expect(await uploader.examples(dataset, 'validation')).toHaveLength(2)
  })

  it('may come as one NPY for each array, too', async () => {
    const whole = await upload({ file: npzFile(parts) })
    const apart = await upload({
      trainX: npyFile(x),
      trainY: gzipSync(npyFile(y)),
      testX: npyFile(test),
      testY: npyFile(parts.y_test),
    })
    expect(apart.dataset.sha256).toBe(whole.dataset.sha256)
  })

  it('can be looked at without being stored', async () => {
    const uploader = createUploader(await createTestFolder())
    const preview = await uploader.inspect({ file: npzFile(parts) })
    expect(preview).toMatchObject({
      shape: [2, 3, 1],
      classes: ['3', '7', '10'],
      splits: { test: { examples: 2 } },
    })
    expect(preview.examples[0]).toEqual({ index: 0, label: '7', features: x.items.slice(0, 6) })
    expect(await uploader.files()).toEqual({ blobs: [], drafts: [] })
  })
})

describe('what labels teach', () => {
  const labels = (descr: string, items: TestArray['items'], width?: number) =>
    ({ descr, items, shape: width ? [items.length / width, width] : [items.length] }) satisfies TestArray
  const learn = (array: TestArray, more: Record<string, TestArray> = {}, parts: Parts = {}) => {
    const count = array.shape[0] ?? 0
    const numbers = { descr: '<f4', shape: [count, 2], items: bytes(2 * count) }
    return upload({ ...parts, file: npzFile({ x: numbers, y: array, ...more }) })
  }
  const targetsOf = async (array: TestArray, more?: Record<string, TestArray>, parts?: Parts) => {
    const { dataset, examples } = await learn(array, more, parts)
    return { ...dataset, labels: examples.map(({ label }) => label) }
  }

  it.each([
    ['texts', labels('<U3', ['dog', 'cat', 'dog']), ['cat', 'dog'], ['dog', 'cat', 'dog']],
    ['texts, big-endian', labels('>U2', ['ü', '🐈', 'ü']), ['ü', '🐈'], ['ü', '🐈', 'ü']],
    ['bytes', labels('|S4', ['10', '9', '9']), ['9', '10'], ['10', '9', '9']],
    ['truth values', labels('|b1', [true, false, true]), ['false', 'true'], ['true', 'false', 'true']],
    ['one column', labels('<i4', [-1, 5, 5], 1), ['-1', '5'], ['-1', '5', '5']],
    ['one 1 a row', labels('<f4', [0, 1, 0, 1, 0, 0], 3), ['0', '1', '2'], ['1', '0']],
    ['one true a row', labels('|b1', [false, true, true, false], 2), ['0', '1'], ['1', '0']],
  ])('%s are classes', async (_, array, classes, received) => {
    expect(await targetsOf(array)).toMatchObject({
      task: 'classification',
      classes,
      labels: received,
      targets: [],
    })
  })

  it('classes may have names, in the order of the outputs', async () => {
    const names = { descr: '<U4', shape: [3], items: ['boot', 'coat', 'bag'] }
    const named = { task: 'classification', classes: ['boot', 'coat', 'bag'], labels: ['bag', 'boot'] }
    expect(await targetsOf(labels('|u1', [2, 0]), { classes: names })).toMatchObject(named)
    expect(await targetsOf(labels('<f8', [0, 0, 1, 1, 0, 0], 3), { classes: names })).toMatchObject(named)
    expect(await targetsOf(labels('<U4', ['bag', 'boot']), { classes: names })).toMatchObject(named)
    expect((await targetsOf(labels('|u1', [2, 0]), { classes: names })).warnings).toEqual([
      'Class "coat" has 0 of 2 training examples.',
    ])
  })

  it('zeros and ones are several labels', async () => {
    expect(await targetsOf(labels('|u1', [1, 1, 0, 0, 0, 1], 2))).toMatchObject({
      task: 'multiLabel',
      classes: ['0', '1'],
      labels: [['0', '1'], [], ['1']],
      splits: { train: { classCounts: { 0: 1, 1: 2 } } },
    })
    const names = { descr: '<U4', shape: [2], items: ['red', 'wide'] }
    const onlyOnes = labels('|u1', [1, 0, 0, 1], 2)
    expect(await targetsOf(onlyOnes, { classes: names }, { task: 'multiLabel' })).toMatchObject({
      task: 'multiLabel',
      labels: [['red'], ['wide']],
    })
  })

  it('floats are numbers, and whole ones are asked about', async () => {
    expect(await targetsOf(labels('<f8', [0.5, -2, 1.25]))).toMatchObject({
      task: 'regression',
      classes: [],
      targets: [],
      labels: [0.5, -2, 1.25],
      warnings: [],
    })
    expect(await targetsOf(labels('<f4', [0.5, -2, 1.25, 3], 2))).toMatchObject({
      task: 'regression',
      targets: ['0', '1'],
      labels: [
        [0.5, -2],
        [1.25, 3],
      ],
    })
    const whole = labels('<f4', [3, 1, 3])
    expect((await targetsOf(whole)).warnings[0]).toContain('task=classification')
    expect(await targetsOf(whole, {}, { task: 'classification' })).toMatchObject({
      classes: ['1', '3'],
      warnings: [],
    })
  })

  it('many integers are numbers, unless they are said to be classes', async () => {
    const many = labels(
      '<i2',
      Array.from({ length: 101 }, (_, index) => index),
    )
    expect(await targetsOf(many)).toMatchObject({ task: 'regression' })
    expect((await targetsOf(many, {}, { task: 'classification' })).classes).toHaveLength(101)
  })
})

it('features with names are columns, where NaN is a missing value', async () => {
  const names = { descr: '<U5', shape: [3], items: ['age', 'fee', 'zero'] }
  const numbers = { descr: '<f8', shape: [3, 3], items: [1, 2.5, 0, Number.NaN, 3, 0, 4, 1e-9, 0] }
  const file = npzFile({
    x: numbers,
    y: { descr: '<f4', shape: [3], items: [1, 2.5, 3] },
    feature_names: names,
  })
  const { dataset, examples } = await upload({ file })
  expect(dataset).toMatchObject({
    kind: 'table',
    dtype: 'float64',
    shape: [3],
    columns: [
      { name: 'age', type: 'numeric', missing: 1, isConstant: false },
      { name: 'fee', type: 'numeric', missing: 0, isConstant: false },
      { name: 'zero', type: 'numeric', missing: 0, isConstant: true },
    ],
    warnings: ['Column "zero" has the same value in every training row.'],
    statistics: { splits: { train: { min: 0, max: 4 } } },
  })
  expect(examples.map(({ features }) => features)).toEqual([
    [1, 2.5, 0],
    [null, 3, 0],
    [4, 1e-9, 0],
  ])
})

it('an NPY alone is a table without a header', async () => {
  const table = { descr: '<f8', shape: [3, 3], items: [1.5, 2, 0, Number.NaN, 4, 1, 5, 6, 0] }
  const { dataset, examples } = await upload({
    file: npyFile(table),
    test: npyFile({ ...table, descr: '<f4' }),
  })
  expect(dataset).toMatchObject({
    format: 'npz',
    kind: 'table',
    dtype: 'float64',
    task: 'classification',
    targets: ['column3'],
    classes: ['0', '1'],
    columns: [{ name: 'column1', missing: 1 }, { name: 'column2' }],
  })
  expect(examples.map(({ features }) => features)).toEqual([
    [1.5, 2],
    [null, 4],
    [5, 6],
  ])
  const other = await upload({
    target: 'column1',
    task: 'regression',
    file: npyFile({ ...table, items: bytes(9) }),
  })
  expect(other.dataset).toMatchObject({ task: 'regression', targets: ['column1'] })
})

it('whole numbers that float32 rounds are told of', async () => {
  const numbers = { descr: '<i8', shape: [2], items: [16_777_217, 3] }
  const { dataset, examples } = await upload({
    file: npzFile({ x: numbers, y: { ...y, shape: [2], items: [0, 1] } }),
  })
  expect(dataset.warnings).toEqual(['x has whole numbers that float32 rounds.'])
  expect(examples.map(({ features }) => features)).toEqual([[16_777_216], [3]])
})

it('an array of ZIP64 is read, and one behind other bytes', async () => {
  const files = [
    { name: 'x.npy', content: npyFile(x), isZip64: true },
    { name: 'y.npy', content: npyFile(y), isZip64: true, isDeflated: true },
  ]
  const { dataset } = await upload({ file: zipFile(files, { comment: 'made by hand' }) })
  expect(dataset.splits.train?.examples).toBe(4)
})

/** Numbers that each type holds exactly. */
const ITEMS: Record<string, fc.Arbitrary<number | boolean>> = {
  b1: fc.boolean(),
  i1: fc.integer({ min: -128, max: 127 }),
  i2: fc.integer({ min: -32_768, max: 32_767 }),
  i4: fc.integer(),
  i8: fc.maxSafeInteger(),
  u1: fc.integer({ min: 0, max: 255 }),
  u2: fc.integer({ min: 0, max: 65_535 }),
  u4: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  u8: fc.maxSafeNat(),
  f2: fc.integer({ min: -2_048, max: 2_048 }).map(number => number / 8),
  f4: fc.float({ noNaN: true, noDefaultInfinity: true }),
  f8: fc.double({ noNaN: true, min: -1e38, max: 1e38 }),
}

const shapes = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 7 })),
  fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5 })),
  fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
  fc.tuple(
    fc.integer({ min: 1, max: 7 }),
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 4 }),
    fc.constantFrom(1, 3, 4),
  ),
)

const arrays = fc
  .record({
    type: fc.constantFrom(...Object.keys(ITEMS)),
    order: fc.constantFrom('<', '>'),
    shape: shapes,
    isFortran: fc.boolean(),
    version: fc.constantFrom(1 as const, 2 as const, 3 as const),
    isDeflated: fc.boolean(),
    pieceBytes: fc.constantFrom(5, 100, 65_536),
  })
  .chain(drawn => {
    const count = drawn.shape.reduce((product, length) => product * length, 1)
    const items = fc.array(ITEMS[drawn.type] ?? fc.constant(0), { minLength: count, maxLength: count })
    return items.map(items => ({ ...drawn, items }))
  })

it('whatever array is written is what is read, of every type and order', async () => {
  const uploader = createUploader(await createTestFolder())
  await fc.assert(
    fc.asyncProperty(
      arrays,
      async ({ type, order, shape, isFortran, version, isDeflated, items, pieceBytes }) => {
        const descr = `${type.endsWith('1') ? '|' : order}${type}`
        const [count = 1] = shape
        const numbers = Array.from({ length: count }, (_, index) => index / 2)
        const file = zipFile([
          { name: 'y.npy', content: npyFile({ descr: '>f8', shape: [count], items: numbers }), isDeflated },
          { name: 'X.npy', content: npyFile({ descr, shape, items, isFortran }, version), isDeflated },
        ])
        const dataset = await uploader.upload({ task: 'regression', file }, pieceBytes)
        const examples = await uploader.examples(dataset)
        const expected = items.map(item => (type === 'u1' ? Number(item) : Math.fround(Number(item))))
        expect(examples.flatMap(({ features }) => features)).toEqual(expected)
        expect(examples.map(({ label }) => label)).toEqual(numbers)
        const { mean, min, max } = dataset.statistics.splits.train ?? { mean: null, min: null, max: null }
        const ends = [Math.min(...expected), Math.max(...expected)]
        expect([min, max].map((end, at) => Math.abs(Number(end) - (ends[at] ?? 0)))).toEqual([0, 0])
        const sum = expected.reduce((total, number) => total + number, 0)
        const scale = Math.max(1e-30, ...expected.map(Math.abs))
        expect(Math.abs((mean ?? Number.NaN) - sum / expected.length) / scale).toBeLessThan(1e-9)
      },
    ),
    { numRuns: 150 },
  )
})
