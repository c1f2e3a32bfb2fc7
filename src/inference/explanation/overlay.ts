import { encode } from 'fast-png'

/** Small images are enlarged by whole numbers until their longer side is at least this, to be looked at. */
const SIDE_MIN = 224

/** How bright the image stays under its explanation. */
const DIM = 0.6

/**
 * An image in grey with its explanation over it: red speaks for the class, blue against it, the stronger the fuller.
 * @param shape - `[height, width, channels]`
 * @param values - the image, 0 … 255, row by row
 * @param saliency - of each value; those of one pixel are added
 * @returns a PNG
 */
export function drawOverlay(
  [height, width, channels]: readonly [number, number, number],
  values: ArrayLike<number>,
  saliency: Float32Array,
): Buffer {
  const scale = Math.max(1, Math.ceil(SIDE_MIN / Math.max(height, width)))
  const pixels = height * width
  const strengths = Float64Array.from({ length: pixels }, (_, pixel) =>
    sumAt(saliency, pixel * channels, channels),
  )
  const greatest = strengths.reduce((max, strength) => Math.max(max, Math.abs(strength)), 0) || 1
  const data = new Uint8Array(pixels * scale * scale * 3)
  const rowBytes = width * scale * 3
  for (let y = 0; y < height * scale; y++) {
    for (let x = 0; x < width * scale; x++) {
      const pixel = Math.floor(y / scale) * width + Math.floor(x / scale)
      const colours = Math.min(channels, 3) // of four the last is how opaque it is
      const grey = (DIM * sumAt(values, pixel * channels, colours)) / colours
      const part = (strengths[pixel] ?? 0) / greatest
      const at = y * rowBytes + x * 3
      data[at] = mix(grey, part > 0 ? 255 : 40, Math.abs(part))
      data[at + 1] = mix(grey, 40, Math.abs(part))
      data[at + 2] = mix(grey, part > 0 ? 40 : 255, Math.abs(part))
    }
  }
  return Buffer.from(encode({ width: width * scale, height: height * scale, channels: 3, depth: 8, data }))
}

function sumAt(values: ArrayLike<number>, from: number, count: number): number {
  let sum = 0
  for (let i = from; i < from + count; i++) sum += values[i] ?? 0
  return sum
}

function mix(under: number, over: number, part: number): number {
  return Math.round(Math.min(255, Math.max(0, under * (1 - part) + over * part)))
}
