import sharp, { type Sharp } from 'sharp'
import { AppError } from '../errors.ts'
import { decodePlainPng } from './decode-png.ts'
import { type ImageHead, PIXELS_MAX, readPngHeader } from './png-header.ts'

/**
 * How an image of another size becomes one of the wanted size: stretched, whole with black margins, or cut off at
 * two sides.
 */
export type ImageFit = 'fill' | 'contain' | 'cover'

/** Formats that are decoded at all, by their first bytes; content types and names are not believed. */
const SIGNATURES: readonly { at: number; bytes: Buffer }[] = [
  { at: 0, bytes: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) }, // PNG
  { at: 0, bytes: Buffer.from([0xff, 0xd8, 0xff]) }, // JPEG
  { at: 8, bytes: Buffer.from('WEBP') },
]

/** Larger images are left to libvips's threads: they would keep everybody else waiting. */
const AT_ONCE_PIXELS_MAX = 256 * 256

/** Decodes images of strangers to a wanted shape, `[height, width, channels]`; at once where that is possible. */
export type DecodeImage = (
  content: Buffer,
  shape: readonly number[],
  fit?: ImageFit,
) => Uint8Array | Promise<Uint8Array>

/** Tells the size of an image of a stranger without decoding it; at once where that is possible. */
export type MeasureImage = (content: Buffer) => ImageHead | Promise<ImageHead>

/**
 * Prepares libvips for images from strangers, for the whole process: no loaders but PNG, JPEG and WebP, no cache,
 * one thread an image.
 * @see https://sharp.pixelplumbing.com/api-utility/#block
 */
export function createImageDecoder(): { decodeImage: DecodeImage; measureImage: MeasureImage } {
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({
    operation: ['VipsForeignLoadPngBuffer', 'VipsForeignLoadJpegBuffer', 'VipsForeignLoadWebpBuffer'],
  })
  sharp.cache(false)
  sharp.concurrency(1)
  return {
    decodeImage: (content, shape, fit = 'fill') => {
      const [height = 0, width = 0] = shape
      const isSmall = height * width <= AT_ONCE_PIXELS_MAX
      return (isSmall ? decodePlainPng(content, shape) : null) ?? decodeImage(content, shape, fit)
    },
    measureImage: content => readPngHeader(content) ?? measureImage(content),
  }
}

/**
 * An image as the features of one example, 0 … 255: turned upright by its EXIF orientation, transparency put on
 * black, reduced to 8 bits, CMYK and colour profiles brought to sRGB, made grey or colour and brought to the size.
 * @param shape - `[height, width, channels]`
 * @returns `[height · width · channels]`, row by row
 * @throws {AppError} IMAGE_INVALID, INPUT_INVALID when the shape is not that of images
 */
async function decodeImage(content: Buffer, shape: readonly number[], fit: ImageFit): Promise<Uint8Array> {
  const [height, width, channels] = shape
  if (height === undefined || width === undefined || channels === undefined) {
    throw new AppError('INPUT_INVALID', `the model takes ${shape.join(' × ')} numbers, not images`)
  }
  return decode(content, async image => {
    const upright = image.autoOrient()
    const opaque = channels === 4 ? upright.ensureAlpha() : upright.flatten({ background: '#000' })
    const { data } = await opaque
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .resize(width, height, { fit, background: '#000' })
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    if (data.length !== height * width * channels) {
      throw new Error(`decoded to ${data.length} values instead of ${height * width * channels}`)
    }
    return data
  })
}

/** @throws {AppError} IMAGE_INVALID */
function measureImage(content: Buffer): Promise<ImageHead> {
  return decode(content, async image => {
    const { autoOrient, space } = await image.metadata()
    return { ...autoOrient, isColour: space !== 'b-w' && space !== 'grey16' }
  })
}

/** Opens an image with every limit; all that goes wrong with it is the image's fault. @throws {AppError} IMAGE_INVALID */
async function decode<Result>(content: Buffer, use: (image: Sharp) => Promise<Result>): Promise<Result> {
  if (!SIGNATURES.some(({ at, bytes }) => content.subarray(at, at + bytes.length).equals(bytes))) {
    const start =
      content.length === 0 ? 'nothing' : `bytes that begin with 0x${content.toString('hex', 0, 4)}`
    throw new AppError('IMAGE_INVALID', `an image must be PNG, JPEG or WebP; received ${start}`)
  }
  try {
    const limits = { limitInputPixels: PIXELS_MAX, failOn: 'warning', pages: 1, animated: false } as const
    return await use(sharp(content, limits).timeout({ seconds: 5 }))
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    const message = said.startsWith('Warning treated as error') ? 'it is cut off or damaged' : said // libvips says no more
    throw new AppError(
      'IMAGE_INVALID',
      `the image must be whole and intact, at most ${PIXELS_MAX} pixels: ${message}`,
      { cause },
    )
  }
}
