import { pipeline } from 'node:stream/promises'
import { AppError, fieldError } from '../../../errors.ts'
import type { BlobDraft } from '../../../storage/blob-store.ts'
import { type ByteHistogram, createByteHistogram, occurringValues, summarize } from '../../byte-histogram.ts'
import { featureCount } from '../../content.ts'
import { createGatheringWriter, type DraftScope, endDraft } from '../../drafts.ts'
import type { PreparedDataset } from '../../prepared.ts'
import type { SplitName } from '../../schemas.ts'
import { decompress } from '../decompress.ts'
import { type IdxRole, readIdx } from './read-idx.ts'

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
  drafts: DraftScope,
  part: string,
  source: AsyncIterable<Buffer>,
  limits: { bytesMax: number },
): Promise<IdxFile> {
  const role = IDX_PARTS[part]?.role ?? 'images'
  const histogram = createByteHistogram()
  const draft = await drafts.open()
  let dimensions: number[] = []
  try {
    const numbers = readIdx(decompress(source), role, header => {
      dimensions = header.dimensions
      const bytes = featureCount(dimensions)
      if (bytes > limits.bytesMax) {
        throw new AppError(
          'PAYLOAD_TOO_LARGE',
          `a file may hold ${limits.bytesMax} bytes; its header says ${bytes}`,
        )
      }
    })
    const writer = createGatheringWriter(draft)
    for await (const piece of numbers) {
      await writer.write(piece)
      histogram.add(piece)
    }
    await writer.end()
    await endDraft(draft)
  } catch (error) {
    if (error instanceof AppError) throw new AppError(error.code, error.message, withPointer(part, error))
    throw error
  }
  return { part, dimensions, histogram, draft }
}

function withPointer(part: string, error: AppError) {
  return { errors: [{ pointer: `/${part}`, detail: error.message }], cause: error }
}

/**
 * Puts received files together: checks that they agree, and turns labels into class indices.
 * @param files - by part
 * @throws {AppError} DATASET_INVALID, with the part as pointer
 */
export async function prepareIdx(
  drafts: DraftScope,
  files: ReadonlyMap<string, IdxFile>,
): Promise<PreparedDataset> {
  const train = pairOf(files, 'trainImages', 'trainLabels')
  const test =
    files.has('testImages') || files.has('testLabels') ? pairOf(files, 'testImages', 'testLabels') : null
  const values = occurringValues(train.labels.histogram)
  const shape = shapeOf(train.images)
  if (test) assertFits(test, shape, values)
  const splits: PreparedDataset['splits'] = {}
  for (const [split, pair] of [
    ['train', train],
    ['test', test],
  ] as const) {
    if (!pair) continue
    const examples = pair.images.dimensions[0] ?? 0
    const classCounts = Object.fromEntries(
      values.map(value => [String(value), pair.labels.histogram.counts[value] ?? 0]),
    )
    splits[split] = {
      examples,
      classCounts,
      features: pair.images.draft,
      labels: await encodeClassIndices(drafts, pair.labels, values),
      statistics: { examples, classCounts, ...summarize(pair.images.histogram) },
    }
  }
  return {
    format: 'idx',
    kind: 'image',
    shape,
    dtype: 'uint8',
    columns: null,
    task: 'classification',
    targets: [],
    classes: values.map(String),
    splits,
    warnings: [],
  }
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

/** Labels as int32 indices into the sorted list of labels, in an ended draft. */
async function encodeClassIndices(
  drafts: DraftScope,
  labels: IdxFile,
  values: readonly number[],
): Promise<BlobDraft> {
  const indexOf = new Int32Array(256)
  values.forEach((value, index) => {
    indexOf[value] = index
  })
  const draft = await drafts.open()
  await pipeline(
    labels.draft.readBack(),
    async function* encode(pieces: AsyncIterable<Buffer>) {
      for await (const piece of pieces)
        yield Buffer.from(Int32Array.from(piece, value => indexOf[value] ?? 0).buffer)
    },
    draft.stream,
  )
  return draft
}
