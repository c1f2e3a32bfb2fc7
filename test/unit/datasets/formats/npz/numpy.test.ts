import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createTestFolder } from '../../../../helpers/folder.ts'
import { npyHead } from '../../../../helpers/npy.ts'
import { createUploader } from '../../../../helpers/upload.ts'

interface Reference {
  files: { file: string; shape: number[]; descr: string; isFortran: boolean; isText: boolean }[]
  table: string
  objects: string
}

/** Made by make_numpy.py. */
const reference: Reference = JSON.parse(
  readFileSync(new URL('../../../../reference/numpy-2.json', import.meta.url), 'utf8'),
)
const decode = (base64: string) => Buffer.from(base64, 'base64')

describe('what NumPy wrote is read', () => {
  it.each(reference.files)('$descr, $shape, Fortran: $isFortran', async ({ file, shape, descr, isText }) => {
    const uploader = createUploader(await createTestFolder())
    const dataset = await uploader.upload({ file: decode(file) })
    const features = (await uploader.examples(dataset)).flatMap(example => example.features)
    const expected = Array.from(features, (_, index) => (7 * index) % 100)
    expect(features).toEqual(descr.endsWith('b1') ? expected.map(number => number % 2) : expected)
    expect(features).toHaveLength(4 * shape.reduce((product, length) => product * length, 1))
    expect(dataset.shape).toEqual(shape.length === 2 ? [...shape, 1] : shape)
    expect(dataset.dtype).toBe(descr === '|u1' ? 'uint8' : 'float32')
    expect(dataset.classes).toEqual(isText ? ['a', 'b', 'c'] : ['0', '1', '2'])
    expect(dataset.splits.train?.classCounts).toEqual(isText ? { a: 1, b: 2, c: 1 } : { 0: 1, 1: 2, 2: 1 })
  })

  it('a table', async () => {
    const uploader = createUploader(await createTestFolder())
    const dataset = await uploader.upload({ file: decode(reference.table) })
    expect(dataset).toMatchObject({
      kind: 'table',
      shape: [3],
      targets: ['column4'],
      classes: ['0', '1', '2'],
    })
    expect((await uploader.examples(dataset))[1]).toEqual({ index: 1, label: '0', features: [21, 28, 35] })
  })

  it('but for pickled objects', async () => {
    const uploader = createUploader(await createTestFolder())
    const refused = uploader.upload({ file: decode(reference.objects) })
    await expect(refused).rejects.toThrow(
      'x: items must be numbers, truth values or texts; received pickled objects',
    )
    expect(await uploader.files()).toEqual({ blobs: [], drafts: [] })
  })
})

it.each([
  ['many rows', 17_003, 1_001],
  ['rows of more than a piece', 6, 1_000_003],
])('the same numbers are the same dataset in either order, of %s', async (_, rows, columns) => {
  const [inC, inFortran] = [new Float32Array(rows * columns), new Float32Array(rows * columns)]
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      inC[row * columns + column] = (row * columns + column) % 2 ** 24
      inFortran[column * rows + row] = (row * columns + column) % 2 ** 24
    }
  }
  const head = (order: string) =>
    npyHead(`{'descr': '<f4', 'fortran_order': ${order}, 'shape': (${rows}, ${columns}), }`)
  const labels = Buffer.from(Uint8Array.from({ length: rows }, (_, row) => row % 3))
  const trainY = Buffer.concat([
    npyHead(`{'descr': '|u1', 'fortran_order': False, 'shape': (${rows},), }`),
    labels,
  ])
  const uploader = createUploader(await createTestFolder())
  const upload = (order: string, { buffer }: Float32Array) =>
    uploader.upload({ trainX: Buffer.concat([head(order), Buffer.from(buffer)]), trainY })
  const [first, second] = [await upload('False', inC), await upload('True', inFortran)]
  expect(first.statistics.splits.train?.max).toBeGreaterThanOrEqual(inC.at(-1) ?? 0)
  expect(second.sha256).toBe(first.sha256)
})
