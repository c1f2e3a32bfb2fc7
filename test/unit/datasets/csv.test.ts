import { describe, expect, it } from 'vitest'
import { createTestFolder } from '../../helpers/folder.ts'
import { createUploader, type Parts } from '../../helpers/upload.ts'

const HOUSES = `rooms,city,sold,built,garden,price
3,Oslo,2024-03-01,1984,yes,310000.5
4,"Berg\u00e5, north",2024-04-15T12:30:00Z,,no,420000
2,Oslo,2024-05-20,2001,yes,250000
NA,"the ""old"" town",,1999,?,199999.25
`

async function upload(csv: string, parts: Parts = {}, pieceBytes?: number) {
  const uploader = createUploader(await createTestFolder())
  const dataset = await uploader.upload({ ...parts, file: Buffer.from(csv) }, pieceBytes)
  return { dataset, examples: await uploader.examples(dataset), uploader }
}

describe('a CSV', () => {
  it.each([1, 7, 64, 65_536])('becomes a table, in pieces of %i bytes', async pieceBytes => {
    const { dataset, examples } = await upload(HOUSES, {}, pieceBytes)
    expect(dataset).toMatchObject({
      kind: 'table',
      format: 'csv',
      dtype: 'float64',
      shape: [5],
      task: 'regression',
      targets: ['price'],
      classes: [],
    })
    expect(dataset.columns).toEqual([
      { name: 'rooms', type: 'numeric', missing: 1, isConstant: false },
      {
        name: 'city',
        type: 'categorical',
        missing: 0,
        isConstant: false,
        categories: ['Bergå, north', 'Oslo', 'the "old" town'],
        counts: [1, 2, 1],
      },
      { name: 'sold', type: 'datetime', hasTime: true, missing: 1, isConstant: false },
      { name: 'built', type: 'numeric', missing: 1, isConstant: false },
      { name: 'garden', type: 'boolean', missing: 1, isConstant: false },
    ])
    expect(examples).toEqual([
      { index: 0, label: 310000.5, features: [3, 'Oslo', '2024-03-01T00:00:00.000Z', 1984, true] },
      { index: 1, label: 420000, features: [4, 'Bergå, north', '2024-04-15T12:30:00.000Z', null, false] },
      { index: 2, label: 250000, features: [2, 'Oslo', '2024-05-20T00:00:00.000Z', 2001, true] },
      { index: 3, label: 199999.25, features: [null, 'the "old" town', null, 1999, null] },
    ])
  })

  it('keeps nothing but the blobs of its splits', async () => {
    const { uploader } = await upload(HOUSES)
    expect(await uploader.files()).toMatchObject({ blobs: { length: 2 }, drafts: [] })
  })

  it('that changes its mind about a column is read once more', async () => {
    const csv = `a,b,label\n${Array.from({ length: 40 }, (_, row) => `${row % 7},x,${row % 2}`).join('\n')}\nmany,x,1\n`
    const { dataset, examples } = await upload(csv)
    expect(dataset.columns?.[0]).toMatchObject({
      type: 'categorical',
      categories: ['0', '1', '2', '3', '4', '5', '6', 'many'],
    })
    expect(examples.at(-2)?.features[0]).toBe('4')
    expect(examples.at(-1)?.features[0]).toBe('many')
    expect(dataset.warnings).toEqual([
      'Column "a" is read as categorical, for "many" in line 42 is not a number as before.',
      'Column "b" has the same value in every training row.',
      '33 of 41 examples of train are copies of earlier ones.',
      '19 of 41 examples of train have the features of an earlier one and another label.',
    ])
  })
})
