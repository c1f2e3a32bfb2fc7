import { describe, expect, it } from 'vitest'
import type { NewDataset } from '../../../../src/datasets/repository.ts'
import { storedSources } from '../../../../src/datasets/split-blocks.ts'
import { warnOfClasses } from '../../../../src/datasets/statistics/class-warnings.ts'
import { lookAtArrays } from '../../../../src/datasets/statistics/look-at-arrays.ts'
import { lookAtColumns } from '../../../../src/datasets/statistics/look-at-columns.ts'
import { warnOfLook } from '../../../../src/datasets/statistics/look-warnings.ts'
import { createTestFolder } from '../../../helpers/folder.ts'
import { idxFile } from '../../../helpers/idx.ts'
import { npyFile } from '../../../helpers/npy.ts'
import { createUploader, type Parts } from '../../../helpers/upload.ts'

async function upload(parts: Parts) {
  const uploader = createUploader(await createTestFolder())
  const dataset = await uploader.upload(parts)
  const [train] = storedSources(uploader.blobs, dataset.splits)
  if (!train) throw new Error('there is no training split')
  return { dataset, train }
}

async function lookAtTable(csv: string, parts: Parts = {}) {
  const { dataset, train } = await upload({ ...parts, file: Buffer.from(csv) })
  return lookAtColumns(dataset, train)
}

const figuresOf = (dataset: NewDataset) => dataset.statistics.splits.train ?? { min: null, max: null }

const HOUSES = `area,city,sold,garden,street,price
1,Oslo,2024-01-01,yes,a road,10
2,Oslo,2024-01-02,no,b road,11
3,Bern,2024-01-03,yes,c road,14
4,Rome,2024-01-04,?,d road,13
,Bern,2024-01-05,no,e road,12
100,Rome,2024-01-06,yes,f road,18
`

describe('a look at columns', () => {
  it('finds mean, quartiles, outliers and a histogram of numbers', async () => {
    const { columns, quartilesFrom } = await lookAtTable(HOUSES, { task: 'regression' })
    expect(quartilesFrom).toBe(6)
    // Of 1 2 3 4 100: mean 22; squares 21² + 20² + 19² + 18² + 78² = 7,610.
    expect(columns?.[0]).toMatchObject({
      name: 'area',
      type: 'numeric',
      count: 5,
      missing: 1,
      distinct: 5,
      min: 1,
      quartiles: [2, 3, 4],
      max: 100,
      mean: 22,
      standardDeviation: expect.closeTo(Math.sqrt(7_610 / 5), 10),
      outliers: { below: 0, above: 1, lowerFence: -1, upperFence: 7 },
      histogram: { from: 1, to: 100, counts: [4, ...Array(30).fill(0), 1] },
    })
  })

  it('counts categories and truth values, the most frequent first, and tells dates as dates', async () => {
    const { columns } = await lookAtTable(HOUSES, { task: 'regression', columns: '{"city":"categorical"}' })
    expect(columns?.[1]).toMatchObject({ distinct: 3, missing: 0 })
    expect(columns?.[1]).toHaveProperty('top', [
      { value: 'Bern', count: 2 },
      { value: 'Oslo', count: 2 },
      { value: 'Rome', count: 2 },
    ])
    expect(columns?.[2]).toMatchObject({
      type: 'datetime',
      min: '2024-01-01',
      quartiles: ['2024-01-02T06:00:00.000Z', '2024-01-03T12:00:00.000Z', '2024-01-04T18:00:00.000Z'],
      max: '2024-01-06',
      mean: '2024-01-03T12:00:00.000Z',
      standardDeviation: expect.closeTo(Math.sqrt(17.5 / 6), 9), // days: 2 (2.5² + 1.5² + 0.5²) = 17.5
      histogram: { from: '2024-01-01', to: '2024-01-06' },
    })
    expect(columns?.[3]).toMatchObject({ type: 'boolean', count: 5, missing: 1 })
    expect(columns?.[3]).toHaveProperty('top', [
      { value: true, count: 3 },
      { value: false, count: 2 },
    ])
  })

  it('correlates each column with a number: r of numbers and truth values, η of categories', async () => {
    const { columns, targets } = await lookAtTable(HOUSES, { task: 'regression' })
    const correlationOf = (index: number) => {
      const column = columns?.[index]
      return column && 'correlations' in column ? column.correlations?.[0] : undefined
    }
    // Prices 10 11 14 13 12 18: mean 13, squares 40. By city, means 10.5, 13, 15.5: 2 (2.5² + 2.5²) = 25 between.
    expect(correlationOf(1)).toEqual({
      target: 'price',
      measure: 'correlationRatio',
      value: expect.closeTo(Math.sqrt(25 / 40), 12),
    })
    // Days −2.5 … 2.5 by −3 −2 1 0 −1 5: 7.5 + 3 − 0.5 + 0 − 1.5 + 12.5 = 21; squares 17.5 and 40.
    expect(correlationOf(2)).toEqual({
      target: 'price',
      measure: 'pearson',
      value: expect.closeTo(21 / Math.sqrt(17.5 * 40), 10),
    })
    expect(targets).toMatchObject([{ name: 'price', mean: 13, min: 10, max: 18, count: 6 }])
  })

  it('correlates with two classes by point-biserial r, with more by η, and categories by V', async () => {
    const two = await lookAtTable('x,c,label\n1,p,no\n2,p,no\n3,q,yes\n4,q,yes\n')
    // x −1.5 −0.5 0.5 1.5 and ±0.5: 2; squares 5 and 1.
    expect(two.columns?.[0]).toMatchObject({
      correlations: [
        { target: 'true', measure: 'pointBiserial', value: expect.closeTo(2 / Math.sqrt(5), 12) },
      ],
    })
    expect(two.columns?.[1]).toMatchObject({
      correlations: [{ target: 'true', measure: 'cramersV', value: expect.closeTo(1, 12) }],
    })
    const three = await lookAtTable('x,label\n1,a\n3,a\n4,b\n6,b\n8,c\n8,c\n')
    // Means 2, 5, 8 around 5: 2 · 9 · 2 = 36 between; in all 16 + 4 + 1 + 1 + 9 + 9 = 40.
    expect(three.columns?.[0]).toMatchObject({
      correlations: [
        { target: 'label', measure: 'correlationRatio', value: expect.closeTo(Math.sqrt(0.9), 12) },
      ],
    })
  })

  it('sees nothing in ids and texts but how many there are', async () => {
    const rows = Array.from({ length: 40 }, (_, row) => `${row},word ${row},${row % 2}`)
    const { columns } = await lookAtTable(`id,text,label\n${rows.join('\n')}\n`)
    expect(columns).toEqual([
      { name: 'id', type: 'id', count: 40, missing: 0, distinct: 40 },
      { name: 'text', type: 'text', count: 40, missing: 0, distinct: 40 },
    ])
  })

  it('is the same, whether rows are few or fill several blocks', async () => {
    const rows = 96_000
    const { columns, quartilesFrom } = await lookAtTable(
      `x,label\n${Array.from({ length: rows }, (_, row) => `${(row * 7_919) % rows}.0,${row % 3}`).join('\n')}\n`,
    )
    expect(quartilesFrom).toBe(rows)
    expect(columns?.[0]).toMatchObject({
      count: rows,
      mean: expect.closeTo((rows - 1) / 2, 6),
      quartiles: [0.25, 0.5, 0.75].map(share => share * (rows - 1)),
      histogram: { counts: Array(32).fill(rows / 32) },
    })
  })
})

describe('a look at arrays', () => {
  it('gives the mean image, what is constant, and a bin for each byte', async () => {
    const { dataset, train } = await upload({
      trainImages: idxFile([3, 1, 3], Uint8Array.of(0, 5, 10, 0, 5, 20, 0, 8, 30)),
      trainLabels: idxFile([3], Uint8Array.of(0, 1, 1)),
    })
    const look = await lookAtArrays(dataset, train, figuresOf(dataset))
    expect(look).toMatchObject({ mean: [0, 6, 20], constant: 1, constantShare: 1 / 3 })
    expect(look.histogram).toMatchObject({ from: 0, to: 255 })
    const { counts } = look.histogram
    expect([counts.length, counts[0], counts[5], counts[8], counts[30]]).toEqual([256, 3, 2, 1, 1])
  })

  it('bins float32 between the smallest and the largest', async () => {
    const { dataset, train } = await upload({
      task: 'regression',
      trainX: npyFile({ descr: '<f4', shape: [2, 2], items: [-1, 0.5, 3, 0.5] }),
      trainY: npyFile({ descr: '<f4', shape: [2], items: [1, 2.5] }),
    })
    const look = await lookAtArrays(dataset, train, figuresOf(dataset))
    expect(look).toMatchObject({ mean: [1, 0.5], constant: 1, histogram: { from: -1, to: 3 } })
    expect(look.histogram.counts.reduce((sum, count) => sum + count, 0)).toBe(4)
    const { columns, targets } = await lookAtColumns(dataset, train)
    expect(columns).toBeNull()
    expect(targets).toMatchObject([{ mean: 1.75, count: 2 }])
  })
})

describe('the words about what was seen', () => {
  it('name columns that tell the target, and those with many outliers', async () => {
    const rows = Array.from(
      { length: 40 },
      (_, row) => `${row * 2 + 0.5},${row < 36 ? row % 5 : 1_000},${row}.5`,
    )
    const look = await lookAtTable(`twice,odd,price\n${rows.join('\n')}\n`, { task: 'regression' })
    expect(warnOfLook({ ...look, features: null })).toEqual([
      'Column "twice" nearly tells "price" (correlation 1.00): is it known before what is to be predicted?',
      'Column "odd" has 4 outliers among 40 values: log1p or clip may help.',
    ])
  })

  it('name rare classes, and those that a split does not have', () => {
    const train = { examples: 60_000, classCounts: { '1': 30_000, '2': 29_988, '3': 12 } }
    const test = { examples: 10, classCounts: { '1': 5, '2': 5, '3': 0 } }
    expect(warnOfClasses({ train, test })).toEqual([
      'Class "3" has 12 of 60,000 training examples.',
      'Class "3" has no example in test.',
    ])
  })

  it('are not many: a dozen of classes are counted', () => {
    const names = Array.from({ length: 112 }, (_, index) => [`c${index}`, index < 12 ? 1 : 1_000] as const)
    const train = { examples: 100_012, classCounts: Object.fromEntries(names) }
    expect(warnOfClasses({ train }).at(-1)).toBe('2 more classes have few, too.')
  })
})
