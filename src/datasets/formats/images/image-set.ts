import { AppError, fieldError } from '../../../errors.ts'
import type { DecodeImage, MeasureImage } from '../../../images/decode-image.ts'
import type { ImageHead } from '../../../images/png-header.ts'
import { featureCount } from '../../content.ts'
import type { DraftScope } from '../../drafts.ts'
import type { PreparedDataset } from '../../prepared.ts'
import type { SplitName } from '../../schemas.ts'
import { CATEGORIES_MAX } from '../../tables/column-encoder.ts'
import { sortLabels } from '../../tables/infer-columns.ts'
import { quote } from '../../tables/place.ts'
import { withPart } from '../../tables/read-table.ts'
import type { UploadOptions } from '../../upload-options.ts'
import { invalidEntry, type ZipEntry } from '../zip/read-directory.ts'
import type { SpooledFile } from '../zip/spooled-file.ts'
import { arrangeFolders } from './arrange-folders.ts'
import { chooseShape } from './choose-shape.ts'
import { readImages, type StoredImage } from './read-images.ts'
import { createImageWriter, type ImageWriter } from './write-images.ts'

/** An image with its place in the dataset. */
export interface LabelledImage extends StoredImage {
  split: SplitName
  label: string
}

/** How images are decoded, and how much of them. */
export interface ImageTools {
  decodeImage: DecodeImage
  measureImage: MeasureImage
  /** Of all images decoded. */
  bytesMax: number
}

/** Images are packed already: an archive that shrinks them further than this is none of images. */
const RATIO_MAX = 100
const RATIO_FREE_BYTES = 16 * 1024 ** 2

/**
 * Finds the images of an archive.
 * @param part - of the upload; only `file` may have folders of splits
 * @throws {AppError} DATASET_INVALID
 */
export function findImages(archive: {
  part: string
  split: SplitName
  file: SpooledFile
  entries: readonly ZipEntry[]
}): LabelledImage[] {
  const { part, split, file, entries } = archive
  const sum = (bytesOf: (entry: ZipEntry) => number) =>
    entries.reduce((bytes, entry) => bytes + bytesOf(entry), 0)
  const [bytes, packedBytes] = [sum(entry => entry.bytes), sum(entry => entry.packedBytes)]
  if (bytes > RATIO_FREE_BYTES && bytes > RATIO_MAX * packedBytes) {
    const detail = `a ZIP of images may unpack to ${RATIO_MAX} times its size; received ${packedBytes} bytes for ${bytes}`
    throw new AppError('PAYLOAD_TOO_LARGE', detail)
  }
  return arrangeFolders(entries).map(({ entry, split: own, label }) => {
    if (part !== 'file' && own !== null) {
      const detail = `the part ${part} must hold class/image, without folders of splits`
      throw invalidEntry(entry.name, detail)
    }
    return { part, file, entry, split: own ?? split, label }
  })
}

/**
 * Decodes images to one shape. With neither size nor colours given they are looked at twice: first at their heads.
 * @throws {AppError} DATASET_INVALID with the name of the entry that is no good image, PAYLOAD_TOO_LARGE
 */
export async function prepareImages(
  drafts: DraftScope,
  images: readonly LabelledImage[],
  options: UploadOptions,
  tools: ImageTools,
): Promise<PreparedDataset> {
  if (options.task !== null && options.task !== 'classification') {
    const detail = `images in folders are a classification; task says ${options.task}`
    throw fieldError('VALIDATION_FAILED', '/task', detail)
  }
  const classes = classesOf(images)
  const { shape, warnings } = await findShape(images, options, tools.measureImage)
  const bytes = images.length * featureCount(shape)
  if (bytes > tools.bytesMax) {
    const detail = `images may take ${tools.bytesMax} bytes decoded; ${images.length} of ${shape.join(' × ')} take ${bytes}`
    throw new AppError('PAYLOAD_TOO_LARGE', detail)
  }
  const writers = new Map<SplitName, ImageWriter>()
  for (const split of ['train', 'validation', 'test'] as const) {
    if (images.some(image => image.split === split)) {
      writers.set(split, await createImageWriter(drafts, featureCount(shape), classes))
    }
  }
  const indices = new Map(classes.map((label, index) => [label, index]))
  const decode = (content: Buffer) => tools.decodeImage(content, shape, options.fit ?? 'fill')
  for await (const { image, result } of readImages(images, decode)) {
    await writers.get(image.split)?.add(result, indices.get(image.label) ?? 0)
  }
  const splits: PreparedDataset['splits'] = {}
  for (const [split, writer] of writers) splits[split] = await writer.end()
  return {
    format: 'zip',
    kind: 'image',
    shape,
    dtype: 'uint8',
    columns: null,
    task: 'classification',
    targets: [],
    classes,
    splits,
    warnings,
  }
}

/** The classes of the training split, numbers in their order. @throws {AppError} DATASET_INVALID */
function classesOf(images: readonly LabelledImage[]): string[] {
  const known = new Set(images.filter(({ split }) => split === 'train').map(({ label }) => label))
  const classes = sortLabels([...known])
  if (classes.length < 2 || classes.length > CATEGORIES_MAX) {
    const only = classes.length === 1 ? `only ${quote(classes[0] ?? '')}` : classes.length || 'none'
    const detail = `training images must be in folders of 2 to ${CATEGORIES_MAX} classes; received ${only}`
    throw new AppError('DATASET_INVALID', detail)
  }
  const unknown = images.find(({ label }) => !known.has(label))
  if (unknown) {
    const detail = `classes of ${unknown.split} must occur in training; received ${quote(unknown.label)}`
    throw withPart(invalidEntry(unknown.entry.name, detail), unknown.part)
  }
  return classes
}

async function findShape(
  images: readonly LabelledImage[],
  options: UploadOptions,
  measureImage: MeasureImage,
): Promise<{ shape: [number, number, number]; warnings: string[] }> {
  const heads: ImageHead[] = []
  if (options.imageSize === null || options.colour === null) {
    for await (const { result } of readImages(images, measureImage)) heads.push(result)
  }
  return chooseShape(heads, options)
}
