import { constants, crc32, inflateSync } from 'node:zlib'

/** The samples of a PNG as they are stored. */
export interface PngPixels {
  /** `[height, width, channels]`: grey, grey and alpha, RGB, or RGB and alpha. */
  data: Uint8Array
  channels: number
}

/** Channels by colour type. @see PNG specification (third edition), table 8 */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
const PALETTE = 3

/** Where the first chunk begins. @see PNG specification, section 5.2 */
const SIGNATURE_BYTES = 8

/**
 * Reads a PNG of 8 bits a sample that is not interlaced, whose header was looked at before. It inflates into exactly the
 * bytes that the header promises, so a few microseconds are all it takes for an image of a few hundred pixels.
 * @returns null when anything is wrong with it: a checksum, the size of what is inflated, a filter, a palette
 * @see PNG specification, sections 5.3 (chunks), 9 (filters) and 10 (compression)
 */
export function readPngPixels(content: Buffer, width: number, height: number): PngPixels | null {
  const chunks = readChunks(content)
  const colourType = content.readUInt8(25)
  const channels = CHANNELS[colourType]
  if (!chunks || channels === undefined) return null
  const stride = width * channels
  const data = new Uint8Array(stride * height)
  const bytes = (stride + 1) * height
  const room = bytes + 1
  const filtered = inflateSync(chunks.compressed, {
    maxOutputLength: room,
    chunkSize: Math.max(room, constants.Z_MIN_CHUNK),
  })
  if (filtered.length !== bytes || !unfilter(filtered, data, stride, channels)) return null
  return colourType === PALETTE ? expandPalette(data, chunks) : { data, channels }
}

interface Chunks {
  compressed: Buffer
  /** Red, green and blue of each colour. */
  palette: Buffer | null
  /** Alpha of the first colours. */
  paletteAlpha: Buffer | null
}

function readChunks(content: Buffer): Chunks | null {
  const compressed: Buffer[] = []
  let palette: Buffer | null = null
  let paletteAlpha: Buffer | null = null
  for (let at = SIGNATURE_BYTES; at + 12 <= content.length; ) {
    const end = at + 8 + content.readUInt32BE(at)
    if (end + 4 > content.length) return null
    if (crc32(content.subarray(at + 4, end)) !== content.readUInt32BE(end)) return null
    const name = content.toString('latin1', at + 4, at + 8)
    const body = content.subarray(at + 8, end)
    if (name === 'IDAT') compressed.push(body)
    else if (name === 'PLTE') palette = body
    else if (name === 'tRNS') paletteAlpha = body
    else if (name === 'IEND') {
      const [only = Buffer.alloc(0), ...more] = compressed
      return { compressed: more.length === 0 ? only : Buffer.concat(compressed), palette, paletteAlpha }
    }
    at = end + 4
  }
  return null
}

/**
 * Takes the filter of each line back.
 * @param filtered - `height` lines: the number of the filter, then `stride` bytes
 * @param data - gets the lines without it
 * @param step - bytes of a pixel
 * @returns false when a filter is not known
 */
function unfilter(filtered: Uint8Array, data: Uint8Array, stride: number, step: number): boolean {
  for (let from = 0, to = 0; from < filtered.length; from += stride + 1, to += stride) {
    const filter = filtered[from] ?? 0
    if (filter > 4) return false
    for (let x = 0; x < stride; x++) {
      const left = x >= step ? (data[to + x - step] ?? 0) : 0
      const up = to > 0 ? (data[to + x - stride] ?? 0) : 0
      const corner = x >= step && to > 0 ? (data[to + x - stride - step] ?? 0) : 0
      data[to + x] = (filtered[from + 1 + x] ?? 0) + predictByte(filter, left, up, corner)
    }
  }
  return true
}

/** @see PNG specification, section 9.2: None, Sub, Up, Average, Paeth */
function predictByte(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 0:
      return 0
    case 1:
      return left
    case 2:
      return up
    case 3:
      return (left + up) >> 1
    default:
      return paeth(left, up, corner)
  }
}

/** @see PNG specification, section 9.4 */
function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner
  const [byLeft, byUp, byCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)]
  if (byLeft <= byUp && byLeft <= byCorner) return left
  return byUp <= byCorner ? up : corner
}

/** @returns null when a pixel has a colour that the palette lacks */
function expandPalette(indices: Uint8Array, { palette, paletteAlpha }: Chunks): PngPixels | null {
  if (!palette) return null
  const channels = paletteAlpha ? 4 : 3
  const colours = palette.length / 3
  const data = new Uint8Array(indices.length * channels)
  for (const [pixel, index] of indices.entries()) {
    if (index >= colours) return null
    data.set(palette.subarray(3 * index, 3 * index + 3), pixel * channels)
    if (paletteAlpha) data[pixel * channels + 3] = paletteAlpha[index] ?? 255
  }
  return { data, channels }
}
