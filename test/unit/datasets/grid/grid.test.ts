import { decode } from 'fast-png'
import { describe, expect, it } from 'vitest'
import { chooseExamples } from '../../../../src/datasets/grid/choose-examples.ts'
import { chooseCellSize, drawGrid, encodeCell } from '../../../../src/datasets/grid/draw-grid.ts'
import { renderGrid } from '../../../../src/datasets/grid/render-grid.ts'
import { shrinkImage } from '../../../../src/datasets/grid/shrink-image.ts'
import type { NewDataset, StoredDataset } from '../../../../src/datasets/repository.ts'
import { createTestFolder } from '../../../helpers/folder.ts'
import { idxFile } from '../../../helpers/idx.ts'
import { createUploader, type Parts } from '../../../helpers/upload.ts'

/** Of 30 images of 2 × 2 the first ten are of class 0; all bytes of an image are its index. */
const INDEXED: Parts = {
  trainImages: idxFile(
    [30, 2, 2],
    Uint8Array.from({ length: 120 }, (_, at) => at >> 2),
  ),
  trainLabels: idxFile(
    [30],
    Uint8Array.from({ length: 30 }, (_, at) => (at < 10 ? 0 : 1 + (at % 2))),
  ),
}

const stored = (dataset: NewDataset): StoredDataset => ({
  ...dataset,
  id: 'ds_1',
  version: 1,
  status: 'ready',
  error: null,
  createdAt: '2026-01-01T00:00:00.000Z',
})

async function upload(parts: Parts) {
  const uploader = createUploader(await createTestFolder())
  return { blobs: uploader.blobs, dataset: stored(await uploader.upload(parts)) }
}

const train = { split: 'train', className: null, count: 8, seed: 0 } as const

describe('the examples of a grid', () => {
  it('are the same for the same seed, others for another, each once and in order', async () => {
    const { blobs, dataset } = await upload(INDEXED)
    const first = await chooseExamples(blobs, dataset, train)
    expect(first.total).toBe(30)
    expect(first.indices).toHaveLength(8)
    expect([...new Set(first.indices)].sort((a, b) => a - b)).toEqual(first.indices)
    expect(await chooseExamples(blobs, dataset, train)).toEqual(first)
    expect((await chooseExamples(blobs, dataset, { ...train, seed: 1 })).indices).not.toEqual(first.indices)
  })

  it('are all there are when fewer than wanted, also of a class', async () => {
    const { blobs, dataset } = await upload(INDEXED)
    const ofClass = await chooseExamples(blobs, dataset, { ...train, className: '1', count: 256 })
    expect(ofClass).toMatchObject({ total: 10, indices: [10, 12, 14, 16, 18, 20, 22, 24, 26, 28] })
    const some = await chooseExamples(blobs, dataset, { ...train, className: '2', count: 4 })
    expect(some.indices).toHaveLength(4)
    for (const index of some.indices) expect([index >= 10, index % 2]).toEqual([true, 1])
  })

  it('must be of a split and a class that there are', async () => {
    const { blobs, dataset } = await upload(INDEXED)
    await expect(chooseExamples(blobs, dataset, { ...train, split: 'test' })).rejects.toMatchObject({
      code: 'EXAMPLE_NOT_FOUND',
    })
    await expect(chooseExamples(blobs, dataset, { ...train, className: '7' })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      message: 'class must be one of 0, 1, 2; received "7"',
    })
  })
})

describe('a picture', () => {
  it('has the pixels of its images, enlarged without blur', async () => {
    const { blobs, dataset } = await upload({
      trainImages: idxFile([2, 1, 2], Uint8Array.of(0, 255, 100, 200)),
      trainLabels: idxFile([2], Uint8Array.of(0, 1)),
    })
    const grid = { split: 'train', className: '1', rows: 1, columns: 1, seed: 0 } as const
    const { data, width, height, channels } = decode(await renderGrid(blobs, dataset, grid))
    // A margin of 20, 84 × 42 for an image of 2 × 1, a line of 44 above; everything twice as large.
    expect([width, height]).toEqual([2 * (40 + 320), 2 * (44 + 42 + 32 + 20)])
    const at = (x: number, y: number) => data[(2 * y * width + 2 * x) * channels]
    expect([at(21, 45), at(61, 85), at(62, 45), at(103, 85)]).toEqual([100, 100, 200, 200])
    expect([at(19, 60), at(105, 60)]).toEqual([255, 255])
  })

  it('is one of images only, and of a dataset that is ready', async () => {
    const csv = Buffer.from('a,label\n1,x\n2,y\n')
    const { blobs, dataset } = await upload({ file: csv })
    const grid = { split: 'train', className: null, rows: 1, columns: 1, seed: 0 } as const
    await expect(renderGrid(blobs, dataset, grid)).rejects.toMatchObject({ code: 'EXAMPLE_NOT_FOUND' })
    const processing = { ...dataset, status: 'processing' as const }
    await expect(renderGrid(blobs, processing, grid)).rejects.toMatchObject({ code: 'DATASET_NOT_READY' })
  })

  it('writes labels as they are, and nothing else into its document', () => {
    const size = chooseCellSize(28, 28)
    const png = encodeCell({ width: 28, height: 28, channels: 1, data: new Uint8Array(784) }, size)
    const { svg } = drawGrid('a & <b>', [{ index: 3, label: '"/><image href="/etc/passwd"', png }], 4, size)
    expect(svg.match(/<image /g)).toHaveLength(1)
    expect(svg).toContain('a &amp; &lt;b&gt;')
  })
})

describe('a shrunk image', () => {
  it('has the means of squares, also of those that are cut, channel by channel', () => {
    const data = Uint8Array.of(10, 1, 20, 2, 30, 3, 40, 4, 50, 5, 60, 6)
    // 3 × 2 pixels of two channels: a square of 10 20 40 50, and half a one of 30 60.
    expect(shrinkImage({ width: 3, height: 2, channels: 2, data }, 2)).toEqual({
      width: 2,
      height: 1,
      channels: 2,
      data: Uint8Array.of(30, 3, 45, 5),
    })
  })

  it('is what large images are drawn as, so that a picture stays small', () => {
    expect(chooseCellSize(1024, 512)).toEqual({ width: 64, height: 128, shrink: 8 })
    expect(chooseCellSize(28, 28)).toEqual({ width: 84, height: 84, shrink: 1 })
    const image = { width: 512, height: 1024, channels: 3, data: new Uint8Array(512 * 1024 * 3).fill(7) }
    const { width, height, data } = decode(encodeCell(image, chooseCellSize(1024, 512)))
    expect([width, height, new Set(data)]).toEqual([64, 128, new Set([7])])
  })
})
