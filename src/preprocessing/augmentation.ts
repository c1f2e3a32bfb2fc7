import { Type } from 'typebox'
import { createRandom, type Random } from '../mlp/random.ts'

/** How training images are changed in each epoch, in a request. */
export const AugmentationSchema = Type.Object(
  {
    shift: Type.Optional(
      Type.Number({ minimum: 0, maximum: 0.5, description: 'At most this part of width and height.' }),
    ),
    rotate: Type.Optional(
      Type.Number({ minimum: 0, maximum: 180, description: 'Degrees at most, either way.' }),
    ),
    zoom: Type.Optional(
      Type.Number({ minimum: 0, maximum: 0.9, description: 'Larger or smaller by this part at most.' }),
    ),
    flip: Type.Optional(
      Type.Enum(['horizontal', 'vertical', 'both'] as const, { description: 'Mirrors every other image.' }),
    ),
    noise: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: 'Deviation of normal noise, 1 is from black to white.',
      }),
    ),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    title: 'Augmentation',
    description:
      'Changes every training image at random in each epoch, by the seed; what comes in at the edges is black. ' +
      'Validation and test images stay as they are. Default: none.',
  },
)

/** How training images are changed in each epoch. */
export type Augmentation = Type.Static<typeof AugmentationSchema>

/**
 * Changes images, each by its own random numbers: the same seed, epoch and row give the same image.
 * @param pixels - `[count, height, width, channels]`
 * @param shape - `[height, width, channels]`
 * @param firstRow - of the split, the row of the first image
 */
export function augmentImages(
  pixels: Uint8Array,
  shape: readonly number[],
  augmentation: Augmentation,
  at: { seed: number; epoch: number; firstRow: number },
): Uint8Array {
  const size = shape.reduce((product, length) => product * length, 1)
  const augmented = new Uint8Array(pixels.length)
  for (let from = 0, row = at.firstRow; from < pixels.length; from += size, row++) {
    const random = createRandom(at.seed, `augmentation/${at.epoch}/${row}`)
    const image = augmented.subarray(from, from + size)
    warp(pixels.subarray(from, from + size), image, shape, drawTransform(augmentation, shape, random))
    if (augmentation.noise) addNoise(image, augmentation.noise, random)
  }
  return augmented
}

/** Where a pixel of the new image comes from, about the middle: `[a b; c d] · (x, y) + (dx, dy)`. */
interface Transform {
  a: number
  b: number
  c: number
  d: number
  dx: number
  dy: number
}

function drawTransform(
  { shift = 0, rotate = 0, zoom = 0, flip }: Augmentation,
  [height = 0, width = 0]: readonly number[],
  random: Random,
): Transform {
  const between = (most: number) => (2 * random.uniform() - 1) * most
  const angle = (between(rotate) * Math.PI) / 180
  const inverse = 1 / (1 + between(zoom))
  const [dx, dy] = [between(shift) * width, between(shift) * height]
  const flipX = (flip === 'horizontal' || flip === 'both') && random.uniform() < 0.5 ? -1 : 1
  const flipY = (flip === 'vertical' || flip === 'both') && random.uniform() < 0.5 ? -1 : 1
  const [cos, sin] = [Math.cos(angle) * inverse, Math.sin(angle) * inverse]
  return { a: cos * flipX, b: sin * flipX, c: -sin * flipY, d: cos * flipY, dx, dy }
}

/** Takes each pixel from its place in the old image, with bilinear interpolation. */
function warp(from: Uint8Array, to: Uint8Array, shape: readonly number[], transform: Transform): void {
  const [height = 0, width = 0, channels = 1] = shape
  const { a, b, c, d, dx, dy } = transform
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2]
  const pixel = (x: number, y: number, channel: number) =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : (from[(y * width + x) * channels + channel] ?? 0)
  let at = 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [fromX, fromY] = [x - middleX - dx, y - middleY - dy]
      const sourceX = a * fromX + b * fromY + middleX
      const sourceY = c * fromX + d * fromY + middleY
      const [left, top] = [Math.floor(sourceX), Math.floor(sourceY)]
      const [right, below] = [sourceX - left, sourceY - top]
      for (let channel = 0; channel < channels; channel++) {
        const upper = pixel(left, top, channel) * (1 - right) + pixel(left + 1, top, channel) * right
        const lower = pixel(left, top + 1, channel) * (1 - right) + pixel(left + 1, top + 1, channel) * right
        to[at++] = Math.round(upper * (1 - below) + lower * below)
      }
    }
  }
}

function addNoise(image: Uint8Array, deviation: number, random: Random): void {
  image.forEach((pixel, index) => {
    image[index] = Math.min(255, Math.max(0, Math.round(pixel + random.normal() * deviation * 255)))
  })
}
