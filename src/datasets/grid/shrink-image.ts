/** Bytes of an image, row by row. */
export interface Pixels {
  width: number
  height: number
  channels: number
  data: Uint8Array
}

/**
 * A smaller image: each of its pixels is the mean of a square of so many on each side. Squares at the right and at the
 * bottom may be cut.
 * @param side - 1 leaves the image as it is
 */
export function shrinkImage(image: Pixels, side: number): Pixels {
  if (side === 1) return image
  const { channels } = image
  const [width, height] = [Math.ceil(image.width / side), Math.ceil(image.height / side)]
  const data = new Uint8Array(width * height * channels)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) {
        data[at++] = meanOf(image, x * side, y * side, side, channel)
      }
    }
  }
  return { width, height, channels, data }
}

function meanOf(image: Pixels, left: number, top: number, side: number, channel: number): number {
  const [right, bottom] = [Math.min(image.width, left + side), Math.min(image.height, top + side)]
  let sum = 0
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      sum += image.data[(y * image.width + x) * image.channels + channel] ?? 0
    }
  }
  return Math.round(sum / ((right - left) * (bottom - top)))
}
