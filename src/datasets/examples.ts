import { encode } from 'fast-png'
import { AppError } from '../errors.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { type CellValue, describeCell } from './cells.ts'
import { type DatasetContent, FEATURE_BYTES, featureCount, type StoredSplit } from './content.ts'
import type { StoredDataset } from './repository.ts'
import type { SplitName } from './schemas.ts'

/** One stored example. */
export interface Example {
  index: number
  /** The class; of several labels those that hold; of a regression the number, or the numbers. */
  label: string | string[] | number | number[]
  features: CellValue[]
}

/** What the bytes of examples mean. */
type Meaning = Pick<DatasetContent, 'shape' | 'dtype' | 'columns' | 'task' | 'targets' | 'classes'>

/**
 * Reads examples in stored order.
 * @returns up to `limit` of them, fewer at the end of the split
 * @throws {AppError} EXAMPLE_NOT_FOUND when the dataset has no such split
 */
export async function readExamples(
  blobs: BlobStore,
  dataset: StoredDataset,
  split: SplitName,
  offset: number,
  limit: number,
): Promise<Example[]> {
  const stored = dataset.splits[split]
  if (!stored) throw new AppError('EXAMPLE_NOT_FOUND', `the dataset has no split ${split}`)
  const count = Math.max(0, Math.min(limit, stored.examples - offset))
  if (count === 0) return []
  const rowBytes = featureCount(dataset.shape) * FEATURE_BYTES[dataset.dtype]
  const labelBytes = 4 * labelWidth(dataset)
  const features = await blobs.readRange(stored.features, offset * rowBytes, count * rowBytes)
  const labels = await blobs.readRange(stored.labels, offset * labelBytes, count * labelBytes)
  return describeExamples(dataset, features, labels, count, offset)
}

/** Numbers of one label as it is stored, four bytes each. */
export function labelWidth({
  task,
  classes,
  targets,
}: Pick<Meaning, 'task' | 'classes' | 'targets'>): number {
  if (task === 'classification') return 1
  return task === 'multiLabel' ? classes.length : Math.max(1, targets.length)
}

/**
 * What stored bytes say.
 * @param first - index of the first example
 */
export function describeExamples(
  meaning: Meaning,
  features: Buffer,
  labels: Buffer,
  count: number,
  first: number,
): Example[] {
  const { dtype, columns } = meaning
  const units = featureCount(meaning.shape)
  const size = FEATURE_BYTES[dtype]
  const readFeature = (at: number) => {
    if (dtype === 'uint8') return features[at] ?? 0
    return dtype === 'float32' ? features.readFloatLE(at * size) : features.readDoubleLE(at * size)
  }
  return Array.from({ length: count }, (_, row) => ({
    index: first + row,
    label: describeLabel(meaning, labels, row),
    features: Array.from({ length: units }, (_, feature) => {
      const column = columns?.[feature]
      const number = readFeature(row * units + feature)
      return column ? describeCell(column, number) : number
    }),
  }))
}

function describeLabel(meaning: Meaning, labels: Buffer, row: number): Example['label'] {
  const { task, classes } = meaning
  if (task === 'classification') return classes[labels.readInt32LE(row * 4)] ?? ''
  const width = labelWidth(meaning)
  const numbers = Array.from({ length: width }, (_, at) => labels.readFloatLE(4 * (row * width + at)))
  if (task === 'multiLabel') return classes.filter((_, at) => numbers[at] === 1)
  return width === 1 ? (numbers[0] ?? 0) : numbers
}

/** The label of an example that is there. */
export async function readLabel(
  blobs: Pick<BlobStore, 'readRange'>,
  dataset: StoredDataset,
  { labels }: StoredSplit,
  index: number,
): Promise<Example['label']> {
  const bytes = 4 * labelWidth(dataset)
  return describeLabel(dataset, await blobs.readRange(labels, index * bytes, bytes), 0)
}

/**
 * An image that is there, as it is stored.
 * @throws {AppError} EXAMPLE_NOT_FOUND when the examples are no images
 */
export async function readImage(
  blobs: Pick<BlobStore, 'readRange'>,
  dataset: StoredDataset,
  { features }: StoredSplit,
  index: number,
): Promise<{ height: number; width: number; channels: number; data: Uint8Array }> {
  const [height, width, channels] = imageShape(dataset)
  const bytes = height * width * channels
  return { height, width, channels, data: await blobs.readRange(features, index * bytes, bytes) }
}

/**
 * An example as a PNG of its own size.
 * @throws {AppError} EXAMPLE_NOT_FOUND, also when the examples are no images
 */
export async function renderExample(
  blobs: BlobStore,
  dataset: StoredDataset,
  split: SplitName,
  index: number,
): Promise<Buffer> {
  imageShape(dataset)
  const stored = dataset.splits[split]
  if (!stored || index >= stored.examples) {
    throw new AppError(
      'EXAMPLE_NOT_FOUND',
      `index must be below ${stored?.examples ?? 0}, the size of ${split}; received ${index}`,
    )
  }
  return Buffer.from(encode({ ...(await readImage(blobs, dataset, stored, index)), depth: 8 }))
}

/**
 * Height, width and channels of the images of a dataset.
 * @throws {AppError} EXAMPLE_NOT_FOUND when its examples are no images
 */
export function imageShape({
  shape,
  dtype,
}: Pick<StoredDataset, 'shape' | 'dtype'>): [height: number, width: number, channels: number] {
  const [height, width, channels] = shape
  if (height === undefined || width === undefined || channels === undefined || dtype !== 'uint8') {
    const detail = `only images of bytes can be drawn; an example is ${shape.join(' × ')} of ${dtype}`
    throw new AppError('EXAMPLE_NOT_FOUND', detail)
  }
  return [height, width, channels]
}
