import { describe, expect, it } from 'vitest'
import { createTestFolder } from '../../../helpers/folder.ts'
import { createUploader, type Parts } from '../../../helpers/upload.ts'

const lines = (...rows: unknown[]) => rows.map(row => JSON.stringify(row)).join('\n')

async function upload(text: string | Record<string, string>, parts: Parts = {}, pieceBytes?: number) {
  const uploader = createUploader(await createTestFolder())
  const texts = typeof text === 'string' ? { file: text } : text
  const files = Object.fromEntries(Object.entries(texts).map(([part, body]) => [part, Buffer.from(body)]))
  const dataset = await uploader.upload({ ...parts, ...files }, pieceBytes)
  return { dataset, examples: await uploader.examples(dataset), uploader }
}

describe('JSON Lines', () => {
  const HOUSES = lines(
    { rooms: 3, city: 'Oslo', sold: '2024-03-01', garden: true, price: 310000.5 },
    { rooms: null, city: 'Bergå, "north"', sold: null, garden: false, price: 4.2e5 },
    { rooms: 2, sold: '2024-05-20', city: 'Oslo', price: 250000 },
  )

  it.each([1, 7, 64, 65_536])('become a table, in pieces of %i bytes', async pieceBytes => {
    const { dataset, examples } = await upload(HOUSES, {}, pieceBytes)
    expect(dataset).toMatchObject({ kind: 'table', format: 'jsonl', task: 'regression', targets: ['price'] })
    expect(dataset.columns?.map(({ name, type }) => [name, type])).toEqual([
      ['rooms', 'numeric'],
      ['city', 'categorical'],
      ['sold', 'datetime'],
      ['garden', 'boolean'],
    ])
    expect(examples).toEqual([
      { index: 0, label: 310000.5, features: [3, 'Oslo', '2024-03-01', true] },
      { index: 1, label: 420000, features: [null, 'Bergå, "north"', null, false] },
      { index: 2, label: 250000, features: [2, 'Oslo', '2024-05-20', null] },
    ])
  })

  it('hold vectors and objects, whose numbers are columns', async () => {
    const { dataset, examples } = await upload(
      lines(
        { features: [1, 2.5, -3e-2], at: { place: 'x', size: { w: 1, h: 2 } }, label: 3 },
        { features: [4, null, 6], at: null, label: 4 },
      ),
    )
    expect(dataset.columns?.map(({ name }) => name)).toEqual([
      'features.0',
      'features.1',
      'features.2',
      'at.place',
      'at.size.w',
      'at.size.h',
    ])
    expect(examples.map(({ features, label }) => [label, ...features])).toEqual([
      ['3', 1, 2.5, -0.03, 'x', 1, 2],
      ['4', 4, null, 6, null, null, null],
    ])
  })

  it('may have keys that only later lines have, also beyond what is looked at first', async () => {
    const early = Array.from({ length: 5_000 }, (_, row) => ({ a: row % 5, pos: null, label: row % 2 }))
    const late = { a: 1, pos: { x: 7 }, extra: 'red', label: 0 }
    const { dataset, examples } = await upload(lines(...early, late, { ...late, extra: 'blue' }))
    expect(dataset.columns?.map(({ name, missing }) => [name, missing])).toEqual([
      ['a', 0],
      ['pos.x', 5_000],
      ['extra', 5_000],
    ])
    expect(examples.at(-1)?.features).toEqual([1, 7, 'blue'])
    expect(examples[0]?.features).toEqual([0, null, null])
  })

  it('may have keys that only one of several files has', async () => {
    const train = lines({ a: 1, b: 'x', label: 0 }, { a: 2, label: 1 })
    const { uploader, dataset } = await upload({ train, test: lines({ label: 1, a: 5 }) })
    expect(await uploader.examples(dataset, 'test')).toEqual([{ index: 0, label: '1', features: [5, null] }])
  })

  it('may have a type for a column that comes late', async () => {
    const early = Array.from({ length: 5_000 }, (_, row) => ({ a: row % 5, label: row % 2 }))
    const text = lines(...early, { a: 1, grade: 2, label: 0 })
    const { dataset } = await upload(text, { columns: '{"grade":"categorical"}' })
    expect(dataset.columns?.[1]).toMatchObject({ name: 'grade', type: 'categorical', categories: ['2'] })
    await expect(upload(text, { columns: '{"grad":"categorical"}' })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/columns/grad' }],
    })
  })

  it('that change their mind about a column are read once more', async () => {
    const { dataset, examples } = await upload(
      lines({ a: 1, label: 0 }, { a: 2, label: 1 }, { a: 'many', label: 1 }),
    )
    expect(dataset.columns?.[0]).toMatchObject({ type: 'categorical', categories: ['1', '2', 'many'] })
    expect(examples.map(({ features }) => features)).toEqual([['1'], ['2'], ['many']])
  })

  it('are learnt from the last key of the first line, unless one is called label or target', async () => {
    expect((await upload(lines({ a: 1, b: 2 }, { a: 1, b: 3, c: 4 }))).dataset.targets).toEqual(['b'])
    expect((await upload(lines({ target: 'x', b: 2 }, { target: 'y', b: 3 }))).dataset.targets).toEqual([
      'target',
    ])
  })

  it('may end lines with CRLF, be empty in between, begin with a byte order mark and end without a line break', async () => {
    const text = `\ufeff\r\n{"a": 1 , "label":"x"}\r\n\n  \n\t{ "a":2,"label" : "y" } \r\n{}`
    await expect(upload(text)).rejects.toThrow('line 6, column "label"')
    const { examples } = await upload(text.slice(0, -2))
    expect(examples.map(({ features, label }) => [...features, label])).toEqual([
      [1, 'x'],
      [2, 'y'],
    ])
  })

  it('have escapes in keys and texts', async () => {
    const { dataset, examples } = await upload(
      '{"\\u0061\\n": "\\ud83d\\ude00", "label": 1}\n{"a\\n": "\\u0041\\/", "label": 0}\n',
    )
    expect(dataset.columns?.[0]?.name).toBe('a\n')
    expect(examples.map(({ features }) => features[0])).toEqual(['😀', 'A/'])
  })
})
