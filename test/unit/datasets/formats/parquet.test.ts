import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import { createTestFolder } from '../../../helpers/folder.ts'
import { createUploader } from '../../../helpers/upload.ts'

const FOLDER = path.resolve('test', 'reference', 'parquet')
const WAYS = readdirSync(FOLDER).filter(name => !/json|nested|time/.test(name))
const read = (name: string) => readFileSync(path.join(FOLDER, name))

/** What Arrow wrote into each file, column by column. */
const VALUES: Record<string, (number | boolean | string | null)[]> = JSON.parse(
  readFileSync(path.join(FOLDER, 'values.json'), 'utf8'),
)

describe('a Parquet file', () => {
  it.each(WAYS)('as Arrow writes it, %s, has the values that were written', async name => {
    const uploader = createUploader(await createTestFolder())
    const dataset = await uploader.upload({ target: 'label', file: read(name) }, 3_000)
    expect(dataset).toMatchObject({ format: 'parquet', kind: 'table', task: 'classification', warnings: [] })
    expect(dataset.columns?.map(({ name }) => name)).toEqual(Object.keys(VALUES).slice(0, -1))
    const examples = await uploader.examples(dataset)
    expect(examples.map(({ label }) => label)).toEqual(VALUES.label)
    dataset.columns?.forEach((column, at) => {
      const isDate = column.type === 'datetime'
      const stored = examples.map(({ features }) => {
        const value = features[at] ?? null
        return isDate && typeof value === 'string' ? Date.parse(value) : value
      })
      expect(stored, column.name).toEqual(VALUES[column.name])
    })
  })

  it('may be packed with gzip, and be one of several', async () => {
    const uploader = createUploader(await createTestFolder())
    const dataset = await uploader.upload({
      target: 'label',
      format: 'parquet',
      train: gzipSync(read('snappy.parquet')),
      test: read('zstd.parquet'),
    })
    expect(dataset.splits).toMatchObject({ train: { examples: 60 }, test: { examples: 60 } })
    expect(dataset.splits.train?.features).toBe(dataset.splits.test?.features)
  })

  it('names the split of each row', async () => {
    const uploader = createUploader(await createTestFolder())
    const file = parquetWriteBuffer({
      columnData: [
        { name: 'a', data: [1, 2, 3, 4], type: 'DOUBLE' },
        { name: 'use', data: ['train', 'test', 'train', 'val'], type: 'STRING' },
        { name: 'label', data: ['x', 'y', 'y', 'x'], type: 'STRING' },
      ],
    })
    const dataset = await uploader.upload({ splitColumn: 'use', file: new Uint8Array(file) })
    expect(await uploader.examples(dataset, 'train')).toMatchObject([{ features: [1] }, { features: [3] }])
    expect(await uploader.examples(dataset, 'test')).toMatchObject([{ features: [2] }])
    expect(await uploader.examples(dataset, 'validation')).toMatchObject([{ features: [4] }])
  })

  it('whose entries of a dictionary no row uses makes no categories of them', async () => {
    const uploader = createUploader(await createTestFolder())
    const dataset = await uploader.upload({ target: 'label', file: read('snappy.parquet') })
    const city = dataset.columns?.find(({ name }) => name === 'city')
    expect(city).toMatchObject({ categories: ['Bern', 'Oslo', 'Ulm "old"', 'Zürich, Süd'] })
  })

  it('holds a column of text where it must not be cut: one page of each column is in memory', async () => {
    const uploader = createUploader(await createTestFolder())
    const rows = 30_000
    const file = parquetWriteBuffer({
      columnData: [
        { name: 'a', data: Float64Array.from({ length: rows }, (_, row) => row / 7), type: 'DOUBLE' },
        { name: 'city', data: Array.from({ length: rows }, (_, row) => `city ${row % 30}`), type: 'STRING' },
        { name: 'label', data: Int32Array.from({ length: rows }, (_, row) => row % 2), type: 'INT32' },
      ],
      pageSize: 1_000,
      rowGroupSize: 7_001,
    })
    const dataset = await uploader.upload({ file: new Uint8Array(file) })
    const examples = await uploader.examples(dataset, 'train', rows)
    expect(examples).toHaveLength(rows)
    expect(
      examples.every(({ index, label, features }) => {
        return (
          label === String(index % 2) && features[0] === index / 7 && features[1] === `city ${index % 30}`
        )
      }),
    ).toBe(true)
  })
})
