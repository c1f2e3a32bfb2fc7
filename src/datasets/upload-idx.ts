import { pipeline } from 'node:stream/promises'
import { AppError, fieldError } from '../errors.ts'
import type { BlobDraft, BlobStore } from '../storage/blob-store.ts'
import { type ByteHistogram, createByteHistogram, occurringValues, summarize } from './byte-histogram.ts'
import { type DatasetContent, featureCount, hashContent, type StoredSplit } from './content.ts'
import { decompress } from './decompress.ts'
import { type IdxRole, readIdx } from './idx.ts'
import type { DatasetStatistics, NewDataset } from './repository.ts'
import type { SplitName } from './schemas.ts'

/** The file parts of an IDX upload: their split and what they hold. */
export const IDX_PARTS: Readonly<Record<string, { split: SplitName; role: IdxRole }>> = {
  trainImages: { split: 'train', role: 'images' },
  trainLabels: { split: 'train', role: 'labels' },
  testImages: { split: 'test', role: 'images' },
  testLabels: { split: 'test', role: 'labels' },
}

/** One file on its way into the store. */
export interface IdxFile {
  part: string
  dimensions: number[]
  histogram: ByteHistogram
  draft: BlobDraft
}

/**
 * Streams one IDX file, plain or gzip, into a draft: never more of it in memory than a few pieces.
 * @throws {AppError} DATASET_INVALID, PAYLOAD_TOO_LARGE, with the part as pointer
 */
export async function receiveIdxFile(
  blobs: BlobStore,
  part: string,
  source: AsyncIterable<Buffer>,
  limits: { bytesMax: number },
): Promise<IdxFile> {
  const role = IDX_PARTS[part]?.role ?? 'images'
  const histogram = createByteHistogram()
  const draft = await blobs.draft()
  let dimensions: number[] = []
  try {
    await pipeline(
      readIdx(decompress(source), role, header => {
        dimensions = header.dimensions
        const bytes = featureCount(dimensions)
        if (bytes > limits.bytesMax) {
          throw new AppError(
            'PAYLOAD_TOO_LARGE',
            `a file may hold ${limits.bytesMax} bytes; its header says ${bytes}`,
          )
        }
      }),
      async function* count(pieces: AsyncIterable<Uint8Array>) {
        for await (const piece of pieces) {
          histogram.add(piece)
          yield piece
        }
      },
      draft.stream,
    )
  } catch (error) {
    await draft.discard()
    if (error instanceof AppError) throw new AppError(error.code, error.message, withPointer(part, error))
    throw error
  }
  return { part, dimensions, histogram, draft }
}

function withPointer(part: string, error: AppError) {
  return { errors: [{ pointer: `/${part}`, detail: error.message }], cause: error }
}

/**
 * Puts received files together: checks that they agree, turns labels into class indices, and makes all durable.
 * @param files - by part; the caller discards the drafts afterwards, whatever happens
 * @throws {AppError} DATASET_INVALID, with the part as pointer
 */
export async function assembleIdxDataset(
  blobs: BlobStore,
  name: string,
  files: ReadonlyMap<string, IdxFile>,
): Promise<NewDataset> {
  const train = pairOf(files, 'trainImages', 'trainLabels')
  const test =
    files.has('testImages') || files.has('testLabels') ? pairOf(files, 'testImages', 'testLabels') : null
  const values = occurringValues(train.labels.histogram)
  const shape = shapeOf(train.images)
  if (test) assertFits(test, shape, values)

  const content: DatasetContent = {
    kind: 'image',
    shape,
    dtype: 'uint8',
    columns: null,
    task: 'classification',
    targets: [],
    classes: values.map(String),
    splits: {},
  }
  const statistics: DatasetStatistics = { splits: {} }
  let bytes = 0
  for (const [split, pair] of [
    ['train', train],
    ['test', test],
  ] as const) {
    if (!pair) continue
    const features = await pair.images.draft.keep()
    const labels = await storeClassIndices(blobs, pair.labels, values)
    const stored: StoredSplit = {
      examples: pair.images.dimensions[0] ?? 0,
      classCounts: Object.fromEntries(
        values.map(value => [String(value), pair.labels.histogram.counts[value] ?? 0]),
      ),
      features: features.sha256,
      labels: labels.sha256,
    }
    bytes += features.bytes + labels.bytes
    content.splits[split] = stored
    statistics.splits[split] = {
      examples: stored.examples,
      classCounts: stored.classCounts,
      ...summarize(pair.images.histogram),
    }
  }
  return { ...content, name, format: 'idx', sha256: hashContent(content), bytes, statistics, warnings: [] }
}

interface Pair {
  images: IdxFile
  labels: IdxFile
}

function pairOf(files: ReadonlyMap<string, IdxFile>, imagesPart: string, labelsPart: string): Pair {
  const [images, labels] = [files.get(imagesPart), files.get(labelsPart)]
  if (!images || !labels) {
    const missing = images ? labelsPart : imagesPart
    throw fieldError('DATASET_INVALID', `/${missing}`, `the part ${missing} is required; received none`)
  }
  const [examples, labelCount] = [images.dimensions[0], labels.dimensions[0]]
  if (examples !== labelCount) {
    throw fieldError(
      'DATASET_INVALID',
      `/${labelsPart}`,
      `there must be a label for each of the ${examples} images; received ${labelCount}`,
    )
  }
  return { images, labels }
}

/** `[height, width, channels]`, or `[features]` of a file with two axes. */
function shapeOf(images: IdxFile): number[] {
  const [, ...shape] = images.dimensions
  if (shape.length === 2) shape.push(1)
  const channels = shape[2]
  if (channels !== undefined && ![1, 3, 4].includes(channels)) {
    throw fieldError(
      'DATASET_INVALID',
      `/${images.part}`,
      `images must have 1, 3 or 4 channels; received ${channels}`,
    )
  }
  return shape
}

function assertFits(test: Pair, shape: readonly number[], trainLabels: readonly number[]): void {
  const testShape = shapeOf(test.images)
  if (testShape.join() !== shape.join()) {
    const detail = `test images must be ${shape.join(' × ')} like the training ones; received ${testShape.join(' × ')}`
    throw fieldError('DATASET_INVALID', '/testImages', detail)
  }
  const unknown = occurringValues(test.labels.histogram).filter(value => !trainLabels.includes(value))
  if (unknown.length > 0) {
    const detail = `test labels must occur in the training split; received ${unknown.slice(0, 5).join(', ')}`
    throw fieldError('DATASET_INVALID', '/testLabels', detail)
  }
}

/** Stores labels as int32 indices into the sorted list of labels. */
async function storeClassIndices(blobs: BlobStore, labels: IdxFile, values: readonly number[]) {
  const indexOf = new Int32Array(256)
  values.forEach((value, index) => {
    indexOf[value] = index
  })
  const draft = await blobs.draft()
  try {
    await pipeline(
      labels.draft.readBack(),
      async function* encode(pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces)
          yield Buffer.from(Int32Array.from(piece, value => indexOf[value] ?? 0).buffer)
      },
      draft.stream,
    )
    return await draft.keep()
  } finally {
    await draft.discard()
  }
}
