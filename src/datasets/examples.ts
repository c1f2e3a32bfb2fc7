import { encode } from 'fast-png'
import { AppError } from '../errors.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { featureCount } from './content.ts'
import type { StoredDataset } from './repository.ts'
import type { SplitName } from './schemas.ts'

/** One stored example. */
export interface Example {
  index: number
  label: string
  features: number[]
}

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
  const units = featureCount(dataset.shape)
  const size = dataset.dtype === 'uint8' ? 1 : 4
  const features = await blobs.readRange(stored.features, offset * units * size, count * units * size)
  const labels = await blobs.readRange(stored.labels, offset * 4, count * 4)
  const readFeature = (at: number) => (size === 1 ? (features[at] ?? 0) : features.readFloatLE(at * 4))
  return Array.from({ length: count }, (_, row) => ({
    index: offset + row,
    label: dataset.classes[labels.readInt32LE(row * 4)] ?? '',
    features: Array.from({ length: units }, (_, feature) => readFeature(row * units + feature)),
  }))
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
  const [height, width, channels] = dataset.shape
  if (height === undefined || width === undefined || channels === undefined) {
    throw new AppError(
      'EXAMPLE_NOT_FOUND',
      `only images can be drawn; an example is ${dataset.shape.join(' × ')}`,
    )
  }
  const [example] = await readExamples(blobs, dataset, split, index, 1)
  if (!example) {
    const examples = dataset.splits[split]?.examples ?? 0
    throw new AppError(
      'EXAMPLE_NOT_FOUND',
      `index must be below ${examples}, the size of ${split}; received ${index}`,
    )
  }
  return Buffer.from(encode({ width, height, channels, depth: 8, data: Uint8Array.from(example.features) }))
}
