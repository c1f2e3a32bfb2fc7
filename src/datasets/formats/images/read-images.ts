import os from 'node:os'
import { setImmediate as breathe } from 'node:timers/promises'
import { AppError, fieldError } from '../../../errors.ts'
import { quote } from '../../tables/place.ts'
import { withPart } from '../../tables/read-table.ts'
import { invalidEntry, type ZipEntry } from '../zip/read-directory.ts'
import { readEntry } from '../zip/read-entry.ts'
import type { SpooledFile } from '../zip/spooled-file.ts'

/** An image in an archive. */
export interface StoredImage {
  /** Of the upload; for errors. */
  part: string
  file: SpooledFile
  entry: ZipEntry
}

/** Bytes of one image at most, packed as its own format packs it. */
export const IMAGE_BYTES_MAX = 32 * 1024 ** 2

/** Images at once for each core; libvips works on threads of its own. */
const IMAGES_PER_CORE = 2
const SLICE_MS = 10

/**
 * Does something with each image, and gives the results in order. Some are in work at once; others get a turn at the
 * event loop every 10 ms, for small images are decoded without leaving it.
 * @throws {AppError} DATASET_INVALID with the name of the entry that is no good image
 */
export async function* readImages<Image extends StoredImage, Result>(
  images: readonly Image[],
  use: (content: Buffer) => Result | Promise<Result>,
): AsyncGenerator<{ image: Image; result: Result }> {
  const widthMax = IMAGES_PER_CORE * os.availableParallelism()
  const working: Promise<{ image: Image; result: Result }>[] = []
  let sliceStartMs = performance.now()
  try {
    for (const image of images) {
      if (performance.now() - sliceStartMs > SLICE_MS) {
        await breathe()
        sliceStartMs = performance.now()
      }
      const result = work(image, await readContent(image), use)
      result.catch(() => {}) // whoever waits for it is told
      working.push(result)
      const first = working.length >= widthMax ? working.shift() : undefined
      if (first) yield await first
    }
    for (const last of working.splice(0)) yield await last
  } finally {
    await Promise.allSettled(working)
  }
}

async function readContent({ part, file, entry }: StoredImage): Promise<Buffer> {
  if (entry.bytes > IMAGE_BYTES_MAX) {
    const detail = `entry ${quote(entry.name)}: an image may have ${IMAGE_BYTES_MAX} bytes; received ${entry.bytes}`
    throw fieldError('PAYLOAD_TOO_LARGE', `/${part}`, detail)
  }
  try {
    return await readEntry(file, entry)
  } catch (error) {
    throw withPart(error, part)
  }
}

async function work<Image extends StoredImage, Result>(
  image: Image,
  content: Buffer,
  use: (content: Buffer) => Result | Promise<Result>,
): Promise<{ image: Image; result: Result }> {
  try {
    return { image, result: await use(content) }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw withPart(invalidEntry(image.entry.name, error.message), image.part)
  }
}
