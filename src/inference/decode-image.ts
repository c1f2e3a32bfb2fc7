import sharp from 'sharp'
import { AppError } from '../errors.ts'
import { decodePlainPng } from './decode-png.ts'

/** Width times height of a posted image at most. */
const PIXELS_MAX = 4096 * 4096

/** Formats that are decoded at all, by their first bytes; content types and names are not believed. */
const SIGNATURES: readonly { format: string; at: number; bytes: Buffer }[] = [
  { format: 'png', at: 0, bytes: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) },
  { format: 'jpeg', at: 0, bytes: Buffer.from([0xff, 0xd8, 0xff]) },
  { format: 'webp', at: 8, bytes: Buffer.from('WEBP') },
]

/** Decodes posted images to the shape a model was trained on; at once where that is possible. */
export type DecodeImage = (content: Buffer, shape: readonly number[]) => Float32Array | Promise<Float32Array>

/**
 * Prepares libvips for images from strangers, for the whole process: no loaders but PNG, JPEG and WebP, no cache,
 * one thread an image.
 * @see https://sharp.pixelplumbing.com/api-utility/#block
 */
export function createImageDecoder(): DecodeImage {
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({
    operation: ['VipsForeignLoadPngBuffer', 'VipsForeignLoadJpegBuffer', 'VipsForeignLoadWebpBuffer'],
  })
  sharp.cache(false)
  sharp.concurrency(1)
  return (content, shape) => decodePlainPng(content, shape) ?? decodeImage(content, shape)
}

/**
 * An image as the features of one example, 0 … 255: turned upright by its EXIF orientation, transparency put on
 * black, reduced to 8 bits, made grey or colour and stretched to the training shape.
 * @param shape - `[height, width, channels]`
 * @returns `[height · width · channels]`, row by row
 * @throws {AppError} IMAGE_INVALID, INPUT_INVALID when the model takes no images
 */
async function decodeImage(content: Buffer, shape: readonly number[]): Promise<Float32Array> {
  const [height, width, channels] = shape
  if (height === undefined || width === undefined || channels === undefined) {
    throw new AppError('INPUT_INVALID', `the model takes ${shape.join(' × ')} numbers, not images`)
  }
  if (!SIGNATURES.some(({ at, bytes }) => content.subarray(at, at + bytes.length).equals(bytes))) {
    const start =
      content.length === 0 ? 'nothing' : `bytes that begin with 0x${content.toString('hex', 0, 4)}`
    throw new AppError('IMAGE_INVALID', `an image must be PNG, JPEG or WebP; received ${start}`)
  }
  try {
    const upright = sharp(content, {
      limitInputPixels: PIXELS_MAX,
      failOn: 'warning',
      pages: 1,
      animated: false,
    })
      .timeout({ seconds: 5 })
      .autoOrient()
    const opaque = channels === 4 ? upright.ensureAlpha() : upright.flatten({ background: '#000' })
    const { data } = await opaque
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .resize(width, height, { fit: 'fill' })
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    if (data.length !== height * width * channels) {
      throw new Error(`decoded to ${data.length} values instead of ${height * width * channels}`)
    }
    return Float32Array.from(data)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new AppError(
      'IMAGE_INVALID',
      `the image must be whole and intact, at most ${PIXELS_MAX} pixels: ${message}`,
      {
        cause,
      },
    )
  }
}
