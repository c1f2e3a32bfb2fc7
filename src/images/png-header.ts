/** What an image is before anything is done to it, turned upright. */
export interface ImageHead {
  width: number
  height: number
  /** It may hold other colours than greys. */
  isColour: boolean
}

/** Width times height of an image at most. */
export const PIXELS_MAX = 4096 * 4096

/** @see PNG specification (third edition), section 5.2 */
export const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

const COLOUR_TYPES: Readonly<Record<number, 'grey' | 'colour' | 'palette'>> = {
  0: 'grey',
  2: 'colour',
  3: 'palette',
  4: 'grey',
  6: 'colour',
}

/**
 * What the chunks before the pixels of a PNG say. A palette of greys is grey.
 * @returns null when libvips must be asked: for another format, an EXIF orientation, anything out of the ordinary
 * @see PNG specification (third edition), sections 5.3 and 11.2
 */
export function readPngHeader(content: Buffer): ImageHead | null {
  if (content.length < 45 || !content.subarray(0, 8).equals(PNG_SIGNATURE)) return null
  const width = content.readUInt32BE(16)
  const height = content.readUInt32BE(20)
  const type = COLOUR_TYPES[content.readUInt8(25)]
  if (type === undefined || width === 0 || height === 0 || width * height > PIXELS_MAX) return null
  let isColour = type === 'colour'
  for (let at = PNG_SIGNATURE.length; at + 12 <= content.length; ) {
    const name = content.toString('latin1', at + 4, at + 8)
    const bytes = content.readUInt32BE(at)
    if (name === 'eXIf') return null
    if (name === 'IDAT') return { width, height, isColour }
    if (name === 'PLTE' && type === 'palette') isColour = hasColour(content.subarray(at + 8, at + 8 + bytes))
    at += bytes + 12
  }
  return null
}

function hasColour(palette: Uint8Array): boolean {
  for (let at = 0; at + 2 < palette.length; at += 3) {
    if (palette[at] !== palette[at + 1] || palette[at] !== palette[at + 2]) return true
  }
  return false
}
