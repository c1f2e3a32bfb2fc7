import { PNG_SIGNATURE } from './png-header.ts'
import { type PngPixels, readPngPixels } from './png-pixels.ts'

/** Channels by colour type. @see PNG specification, table 8 */
const CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
const PALETTE = 3

/** Chunks that leave the numbers as they are, for libvips too; a profile or an orientation does not. */
const PLAIN_CHUNKS = new Set([
  'IHDR',
  'PLTE',
  'IDAT',
  'IEND',
  'sRGB',
  'gAMA',
  'cHRM',
  'pHYs',
  'tEXt',
  'tIME',
  'bKGD',
])

/** How much larger than its pixels a file may be: bounds what a compressed stream can swell to. */
const OVERHEAD_BYTES_MAX = 4_096

/**
 * A PNG of the wanted size, decoded at once: what needs neither scaling nor another colour space costs a
 * twentieth of what libvips takes to begin. The numbers are libvips's to the last bit.
 * @param shape - `[height, width, channels]`
 * @returns null when the image asks for more: 16 bits, interlacing, another size, a colour where grey is wanted;
 *   and when anything is wrong with it
 */
export function decodePlainPng(content: Buffer, shape: readonly number[]): Uint8Array | null {
  const [height = 0, width = 0, channels = 0] = shape
  if (!isPlain(content, width, height)) return null
  try {
    const pixels = readPngPixels(content, width, height)
    return pixels && convert(pixels, channels)
  } catch {
    return null // whoever decodes it next says what is wrong
  }
}

/** Looks at the header and at the names of the chunks. */
function isPlain(content: Buffer, width: number, height: number): boolean {
  if (content.length < 45 || !content.subarray(0, 8).equals(PNG_SIGNATURE)) return false
  if (content.readUInt32BE(16) !== width || content.readUInt32BE(20) !== height) return false
  const colourType = content.readUInt8(25)
  const channels = CHANNELS[colourType]
  if (content.readUInt8(24) !== 8 || channels === undefined || content.readUInt8(28) !== 0) return false
  if (content.length > width * height * channels + OVERHEAD_BYTES_MAX) return false
  for (let at = PNG_SIGNATURE.length; at + 12 <= content.length; ) {
    const name = content.toString('latin1', at + 4, at + 8)
    if (name === 'IEND') return true
    if (!PLAIN_CHUNKS.has(name) && !(name === 'tRNS' && colourType === PALETTE)) return false
    at += content.readUInt32BE(at) + 12
  }
  return false
}

/**
 * To the wanted channels: alpha is put on black, value · alpha / 255 rounded down as libvips does, grey is
 * repeated.
 * @returns null when a colour would have to become grey
 */
function convert({ data, channels }: PngPixels, wanted: number): Uint8Array | null {
  if (wanted !== 1 && wanted !== 3 && wanted !== 4) return null
  const count = data.length / channels
  const isColour = channels >= 3
  const hasAlpha = channels % 2 === 0
  if (wanted === 1 && channels === 1) return data
  const features = new Uint8Array(count * wanted)
  for (let pixel = 0; pixel < count; pixel++) {
    const from = pixel * channels
    const red = data[from] ?? 0
    const green = isColour ? (data[from + 1] ?? 0) : red
    const blue = isColour ? (data[from + 2] ?? 0) : red
    const alpha = hasAlpha ? (data[from + channels - 1] ?? 0) : 255
    const onBlack = (value: number) => (alpha === 255 ? value : Math.floor((value * alpha) / 255))
    const to = pixel * wanted
    if (wanted === 1) {
      if (red !== green || red !== blue) return null
      features[to] = onBlack(red)
    } else {
      const opaque = wanted === 4 ? (value: number) => value : onBlack
      features[to] = opaque(red)
      features[to + 1] = opaque(green)
      features[to + 2] = opaque(blue)
      if (wanted === 4) features[to + 3] = alpha
    }
  }
  return features
}
