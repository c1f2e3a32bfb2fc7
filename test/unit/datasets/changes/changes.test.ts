import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareDatasets } from '../../../../src/datasets/changes/compare-datasets.ts'
import { compareRows } from '../../../../src/datasets/changes/compare-rows.ts'
import type { NewDataset, StoredDataset } from '../../../../src/datasets/repository.ts'
import { storedSources } from '../../../../src/datasets/split-blocks.ts'
import { createRowTable } from '../../../../src/datasets/statistics/row-table.ts'
import { createTestFolder } from '../../../helpers/folder.ts'
import { idxFile } from '../../../helpers/idx.ts'
import { createUploader, type Parts } from '../../../helpers/upload.ts'

const stored = (dataset: NewDataset, version: number): StoredDataset => ({
  ...dataset,
  id: `ds_${version}`,
  version,
  status: 'ready',
  error: null,
  createdAt: '2026-01-01T00:00:00.000Z',
})

async function compare(before: Parts, after: Parts, rowsMax?: number) {
  const uploader = createUploader(await createTestFolder())
  const [was, is] = [await uploader.upload(before), await uploader.upload(after)]
  const side = (meaning: NewDataset) => ({ meaning, sources: storedSources(uploader.blobs, meaning.splits) })
  const rows = await compareRows(side(was), side(is), createRowTable(0, rowsMax))
  return { ...compareDatasets(stored(was, 1), stored(is, 2)), rows }
}

const csv = (text: string): Parts => ({ file: Buffer.from(text) })

describe('what changed', () => {
  it('is counted row by row, equal ones by how often they occur', async () => {
    const changes = await compare(
      csv('x,label\n1,a\n1,a\n1,a\n2,b\n'),
      csv('x,label\n1,a\n1,a\n2,b\n2,b\n3,a\n'),
    )
    expect(changes).toMatchObject({
      since: { id: 'ds_1', version: 1 },
      dataset: { id: 'ds_2', version: 2 },
      isEqual: false,
      splits: [{ split: 'train', before: 4, after: 5 }],
      rows: { equal: 3, added: 2, removed: 1, sampledShare: 1 },
    })
    expect(changes.classes.counts).toEqual([{ split: 'train', class: 'b', before: 1, after: 2 }])
  })

  it('is found by names: neither the order of columns nor a new category or class makes a row another', async () => {
    const { rows, classes } = await compare(
      csv('x,city,label\n1,Oslo,m\n2,Rome,n\n3,Rome,n\n'),
      csv('city,x,label\nBern,9,k\nOslo,1,m\nRome,2,n\nRome,3,n\n'),
    )
    expect(rows).toEqual({ equal: 3, added: 1, removed: 0, sampledShare: 1 })
    expect(classes).toMatchObject({ added: ['k'], removed: [] })
  })

  it('is told of columns and targets, whose rows cannot be compared', async () => {
    const changes = await compare(csv('a,b,label\n1,x,0\n2,y,1\n'), {
      task: 'regression',
      ...csv('a,c,price\nfew,1,0.5\nmany,2,1.5\n'),
    })
    expect(changes).toMatchObject({
      task: { before: 'classification', after: 'regression' },
      columns: {
        added: ['c'],
        removed: ['b'],
        retyped: [{ name: 'a', before: 'numeric', after: 'categorical' }],
      },
      targets: { added: ['price'], removed: ['label'] },
      classes: { added: [], removed: ['0', '1'] },
      rows: null,
    })
  })

  it('is nothing between equal ones, and a moved example of images is no change of rows', async () => {
    const images = (values: readonly number[], labels: readonly number[], test: readonly number[]) => ({
      trainImages: idxFile([values.length, 1, 1], Uint8Array.from(values)),
      trainLabels: idxFile([labels.length], Uint8Array.from(labels)),
      testImages: idxFile([test.length, 1, 1], Uint8Array.from(test)),
      testLabels: idxFile([test.length], new Uint8Array(test.length)),
    })
    const first = images([1, 2, 3], [0, 1, 0], [4])
    expect(await compare(first, first)).toMatchObject({
      isEqual: true,
      classes: { added: [], removed: [], counts: [] },
      rows: { equal: 4, added: 0, removed: 0 },
    })
    const moved = await compare(first, images([1, 2], [0, 1], [4, 3]))
    expect(moved.rows).toEqual({ equal: 4, added: 0, removed: 0, sampledShare: 1 })
    expect(moved.splits).toEqual([
      { split: 'train', before: 3, after: 2 },
      { split: 'test', before: 1, after: 2 },
    ])
    const relabelled = await compare(first, images([1, 2, 3], [0, 1, 1], [4]))
    expect(relabelled.rows).toMatchObject({ equal: 3, added: 1, removed: 1 })
  })

  it('is what a count of texts says, for any rows', async () => {
    const row = fc.tuple(fc.nat(3), fc.constantFrom('p', 'q', 'r'), fc.constantFrom('yes', 'no'))
    const rows = fc.array(row, { maxLength: 20 })
    const toCsv = (cells: readonly (readonly unknown[])[]) =>
      csv(`x,c,label\n0.5,p,yes\n0.5,p,no\n${cells.map(cell => `${cell.join(',')}\n`).join('')}`)
    const parts = { columns: '{"c":"categorical","x":"numeric"}', task: 'classification' }
    await fc.assert(
      fc.asyncProperty(rows, rows, async (before, after) => {
        const { rows: found } = await compare({ ...parts, ...toCsv(before) }, { ...parts, ...toCsv(after) })
        const left = before.map(String)
        const common = after.map(String).filter(text => {
          const at = left.indexOf(text)
          if (at >= 0) left.splice(at, 1)
          return at >= 0
        })
        expect(found).toMatchObject({
          equal: common.length + 2,
          added: after.length - common.length,
          removed: before.length - common.length,
        })
      }),
      { numRuns: 30 },
    )
  })

  it('is estimated of a sample when there are more rows than are remembered', async () => {
    const rows = (from: number, to: number) =>
      csv(
        `x,label\n${Array.from({ length: to - from }, (_, row) => `${from + row}.5,${row % 2}`).join('\n')}\n`,
      )
    const { rows: found } = await compare(rows(0, 20_000), rows(10_000, 30_000), 4_096)
    expect(found?.sampledShare).toBe(2 ** -3)
    // 10,000 in truth; a sample of 1,250 has a standard deviation of 2.8 %.
    expect(Math.abs((found?.equal ?? 0) - 10_000)).toBeLessThan(1_100)
    expect((found?.equal ?? 0) + (found?.added ?? 0)).toBe(20_000)
  })
})
