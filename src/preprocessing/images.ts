import { Type } from 'typebox'

/** What is done to images before their numbers are scaled, in a request. */
export const ImageRequestSchema = Type.Object(
  {
    fit: Type.Optional(
      Type.Enum(['fill', 'contain', 'cover'] as const, {
        description:
          'How a posted image of another size becomes one of the training size: stretched, whole with black margins, ' +
          'or cut off. Default: fill.',
      }),
    ),
    invert: Type.Optional(
      Type.Boolean({ description: 'Dark becomes light, in training and prediction. Default: false.' }),
    ),
    centerOfMass: Type.Optional(
      Type.Boolean({
        description:
          'The image is moved, by whole pixels, until its center of mass is in the middle, as in MNIST. Default: false.',
      }),
    ),
  },
  { additionalProperties: false, title: 'Preprocessing of images' },
)

/** What is done to images before their numbers are scaled. */
export type ImagePreprocessing = Required<Type.Static<typeof ImageRequestSchema>>

/** What is done when nothing is said. */
export const PLAIN_IMAGES: ImagePreprocessing = { fit: 'fill', invert: false, centerOfMass: false }

/** Numbers of images, row by row. */
type Pixels = Uint8Array | Float32Array

/**
 * Inverts and centers images.
 * @param pixels - `[count, height, width, channels]`, 0 … 255
 * @param shape - `[height, width, channels]`
 * @returns the same array where there is nothing to do
 */
export function arrangeImages<T extends Pixels>(
  pixels: T,
  shape: readonly number[],
  { invert, centerOfMass }: ImagePreprocessing,
): T {
  if (!invert && !centerOfMass) return pixels
  const arranged = (invert ? pixels.map(pixel => 255 - pixel) : pixels.slice()) as T
  if (!centerOfMass) return arranged
  const size = shape.reduce((product, length) => product * length, 1)
  const moved = arranged.slice() as T
  for (let from = 0; from < arranged.length; from += size) {
    centerImage(arranged.subarray(from, from + size), moved.subarray(from, from + size), shape)
  }
  return moved
}

/**
 * Moves an image by whole pixels until its center of mass is nearest to the middle; what comes in is black.
 * @see LeCun, Cortes & Burges, "The MNIST database of handwritten digits"
 */
function centerImage(from: Pixels, to: Pixels, shape: readonly number[]): void {
  const [height = 0, width = 0, channels = 1] = shape
  let [mass, sumX, sumY] = [0, 0, 0]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) {
        const weight = from[(y * width + x) * channels + channel] ?? 0
        mass += weight
        sumX += weight * x
        sumY += weight * y
      }
    }
  }
  if (mass === 0) return
  const dx = Math.round((width - 1) / 2 - sumX / mass)
  const dy = Math.round((height - 1) / 2 - sumY / mass)
  to.fill(0)
  for (let y = Math.max(0, dy); y < Math.min(height, height + dy); y++) {
    const first = Math.max(0, dx)
    const count = width - Math.abs(dx)
    if (count <= 0) return
    const source = ((y - dy) * width + (first - dx)) * channels
    to.set(from.subarray(source, source + count * channels), (y * width + first) * channels)
  }
}
