import os from 'node:os'
import { setImmediate as breathe } from 'node:timers/promises'
import { AppError } from '../../../errors.ts'
import { invalidEntry, type ZipEntry } from '../zip/read-directory.ts'
import { readEntry } from '../zip/read-entry.ts'
import type { SpooledFile } from '../zip/spooled-file.ts'

/** An image in an archive. */
export interface StoredImage {
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
      const { entry, file } = image
      if (entry.bytes > IMAGE_BYTES_MAX) {
        const detail = `an image may have ${IMAGE_BYTES_MAX} bytes; entry ${JSON.stringify(entry.name)} has ${entry.bytes}`
        throw new AppError('PAYLOAD_TOO_LARGE', detail)
      }
      const content = await readEntry(file, entry)
      const working1 = work(image, content, use)
      working1.catch(() => {}) // whoever waits for it is told
      working.push(working1)
      const first = working.length >= widthMax ? working.shift() : undefined
      if (first) yield await first
    }
    for (const last of working.splice(0)) yield await last
  } finally {
    await Promise.allSettled(working)
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
    throw invalidEntry(image.entry.name, error.message)
  }
}
