import { renderSvg } from '../../drawing/render-svg.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import { assertReady } from '../assert-ready.ts'
import { type Example, imageShape, readImage, readLabel } from '../examples.ts'
import type { StoredDataset } from '../repository.ts'
import { chooseExamples, type ExampleChoice } from './choose-examples.ts'
import { chooseCellSize, drawGrid, encodeCell, type GridCell } from './draw-grid.ts'

/** A picture with more pixels than this is not doubled. */
const DOUBLED_PIXELS_MAX = 1_000_000

/**
 * Draws examples of a dataset of images in a grid, chosen at random, as a PNG.
 * @throws {AppError} DATASET_NOT_READY; EXAMPLE_NOT_FOUND, also when the examples are no images; VALIDATION_FAILED
 */
export async function renderGrid(
  blobs: BlobStore,
  dataset: StoredDataset,
  query: Omit<ExampleChoice, 'count'> & { rows: number; columns: number },
): Promise<Buffer> {
  const { rows, columns, split, className } = query
  assertReady(dataset)
  const [height, width] = imageShape(dataset)
  const { stored, indices, total } = await chooseExamples(blobs, dataset, { ...query, count: rows * columns })
  const size = chooseCellSize(height, width)
  const cells: GridCell[] = []
  for (const index of indices) {
    const label = nameOf(await readLabel(blobs, dataset, stored, index))
    cells.push({ index, label, png: encodeCell(await readImage(blobs, dataset, stored, index), size) })
  }
  const of = className === null ? '' : ` of class ${className}`
  const count = `${cells.length} of ${total.toLocaleString('en')}${of}`
  const title = `${dataset.name} v${dataset.version} · ${split} · ${count}`
  const grid = drawGrid(title, cells, columns, size)
  return renderSvg(grid.svg, grid.width * grid.height > DOUBLED_PIXELS_MAX ? 1 : 2)
}

function nameOf(label: Example['label']): string {
  const words = Array.isArray(label) ? label : [label]
  return words.map(word => (typeof word === 'number' ? Number(word.toPrecision(4)) : word)).join(', ')
}
