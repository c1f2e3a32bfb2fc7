import {
  type DatasetContent,
  FEATURE_BYTES,
  featureCount,
  type StoredSplit,
} from '../../src/datasets/content.ts'
import { areClasses, type Targets } from '../../src/mlp/task.ts'
import type { RawFeatures } from '../../src/preprocessing/encoder.ts'
import type { FittingExamples } from '../../src/preprocessing/fit.ts'
import { arrangeImages } from '../../src/preprocessing/images.ts'
import type { Preprocessing } from '../../src/preprocessing/preprocessing.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'
import type { Selection } from './selection.ts'
import { rowBytes } from './stored-features.ts'

/** The training split, as it is read for fitting. */
interface TrainingRows {
  stored: StoredSplit
  targets: Targets
  isResident: boolean
  features(): Promise<RawFeatures>
}

/**
 * The training examples for the figures of the preprocessing. Of a split that is not in memory these are as many
 * evenly spaced ones as fit there, so that the figures are those of a sample.
 */
export async function readFittingExamples(
  blobs: BlobStore,
  {
    dataset,
    preprocessing,
    residentBytesMax,
  }: {
    dataset: DatasetContent
    preprocessing: Preprocessing
    residentBytesMax: number
  },
  all: TrainingRows,
  train: Selection,
): Promise<FittingExamples> {
  const features = featureCount(dataset.shape)
  const { columns } = dataset
  const targets = areClasses(train.targets) ? null : train.targets
  const about = { columns, features, targets }
  if (!learnsFromFeatures(preprocessing)) {
    return { ...about, count: train.count, readFeature: () => new Float64Array() }
  }
  const every = all.isResident ? 1 : Math.ceil((train.count * rowBytes(dataset)) / residentBytesMax)
  const rows = train.rows.filter((_, index) => index % every === 0)
  const stored = all.isResident ? await all.features() : await gatherRows(blobs, dataset, all.stored, rows)
  const raw = arrange(stored, dataset, preprocessing)
  const rowOf = all.isResident ? (index: number) => rows[index] ?? 0 : (index: number) => index
  return {
    ...about,
    count: train.count,
    readFeature: feature =>
      Float64Array.from(rows, (_, index) => raw[rowOf(index) * features + feature] ?? Number.NaN),
  }
}

/** All cells of one column of a split, by its name. */
export async function readColumn(
  blobs: BlobStore,
  dataset: DatasetContent,
  stored: StoredSplit,
  name: string,
): Promise<Float64Array> {
  const column = dataset.columns?.findIndex(one => one.name === name) ?? -1
  if (column < 0) throw new Error(`the dataset has no column ${name}`)
  const cells = new Float64Array(stored.examples)
  const bytes = rowBytes(dataset)
  for await (const { row, at } of eachRow(blobs, stored, bytes)) {
    cells[row] = at.readDoubleLE(column * FEATURE_BYTES.float64)
  }
  return cells
}

/** Figures are those of images as the network sees them. */
function arrange(raw: RawFeatures, { shape }: DatasetContent, preprocessing: Preprocessing): RawFeatures {
  const image = 'image' in preprocessing ? preprocessing.image : undefined
  return image && raw instanceof Uint8Array ? arrangeImages(raw, shape, image) : raw
}

function learnsFromFeatures(preprocessing: Preprocessing): boolean {
  return 'columns' in preprocessing || 'standardize' in preprocessing
}

/** Copies some rows of a split that is too large for memory. */
async function gatherRows(
  blobs: BlobStore,
  dataset: DatasetContent,
  stored: StoredSplit,
  rows: Int32Array,
): Promise<RawFeatures> {
  const bytes = rowBytes(dataset)
  const gathered = Buffer.alloc(rows.length * bytes)
  let next = 0
  for await (const { row, at } of eachRow(blobs, stored, bytes)) {
    if (row !== rows[next]) continue
    at.copy(gathered, next * bytes)
    if (++next === rows.length) break
  }
  const { buffer, byteOffset, length } = gathered
  const own = buffer.slice(byteOffset, byteOffset + length)
  switch (dataset.dtype) {
    case 'uint8':
      return new Uint8Array(own)
    case 'float32':
      return new Float32Array(own)
    case 'float64':
      return new Float64Array(own)
  }
}

/** Streams a split row by row. */
async function* eachRow(
  blobs: BlobStore,
  { features }: StoredSplit,
  bytes: number,
): AsyncGenerator<{ row: number; at: Buffer }> {
  let row = 0
  let rest = Buffer.alloc(0)
  for await (const chunk of blobs.stream(features)) {
    const piece = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    let from = 0
    for (; from + bytes <= piece.length; from += bytes) {
      yield { row: row++, at: piece.subarray(from, from + bytes) }
    }
    rest = piece.subarray(from)
  }
}
