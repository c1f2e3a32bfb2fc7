import { encode } from 'fast-png'
import { escapeXml, shorten } from '../../drawing/svg-text.ts'
import { type Pixels, shrinkImage } from './shrink-image.ts'

/** An image and what is written below it. */
export interface GridCell {
  index: number
  label: string
  png: Buffer
}

/** How large images are drawn. */
export interface CellSize {
  width: number
  height: number
  /** Pixels of an image on each side that become one. */
  shrink: number
}

/** Small images are drawn as large as fits into so much, in whole pixels; larger ones up to the second length. */
const ENLARGED_SIDE = 84
const SHRUNK_SIDE = 128
const CELL_WIDTH_MIN = 56
const GAP = 12
const LABEL_HEIGHT = 32
const HEADER_HEIGHT = 44
const MARGIN = 20
const INK = { strong: '#1f2933', normal: '#52606d' }

/** How large images of a size are drawn. */
export function chooseCellSize(height: number, width: number): CellSize {
  const longest = Math.max(height, width)
  const shrink = Math.max(1, Math.ceil(longest / SHRUNK_SIDE))
  const enlarge = Math.max(1, Math.floor(ENLARGED_SIDE / longest))
  return {
    width: enlarge * Math.ceil(width / shrink),
    height: enlarge * Math.ceil(height / shrink),
    shrink,
  }
}

/** An image as a PNG of the size that its cell needs. */
export function encodeCell(image: Pixels, { shrink }: CellSize): Buffer {
  return Buffer.from(encode({ ...shrinkImage(image, shrink), depth: 8 }))
}

/**
 * Draws images in rows as an SVG document, each with its label and its index below it.
 * @param columns - images beside each other at most
 */
export function drawGrid(
  title: string,
  cells: readonly GridCell[],
  columns: number,
  size: CellSize,
): { svg: string; width: number; height: number } {
  const cellWidth = Math.max(CELL_WIDTH_MIN, size.width) + GAP
  const cellHeight = size.height + LABEL_HEIGHT + GAP
  const beside = Math.min(columns, cells.length)
  const titleWidth = 320
  const width = 2 * MARGIN + Math.max(titleWidth, beside * cellWidth - GAP)
  const height = HEADER_HEIGHT + Math.ceil(cells.length / columns) * cellHeight + MARGIN - GAP
  const drawn = cells.map((cell, place) => {
    const left = MARGIN + (place % columns) * cellWidth
    const top = HEADER_HEIGHT + Math.floor(place / columns) * cellHeight
    return drawCell(cell, left, top, cellWidth - GAP, size)
  })
  const heading = escapeXml(shorten(title, width - 2 * MARGIN, 14))
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"`,
    ` font-family="'DejaVu Sans', sans-serif" font-size="11">\n`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>\n`,
    `<text x="${MARGIN}" y="28" font-size="14" font-weight="bold" fill="${INK.strong}">${heading}</text>\n`,
    `${drawn.join('\n')}\n</svg>\n`,
  ].join('')
  return { svg, width, height }
}

function drawCell(
  { index, label, png }: GridCell,
  left: number,
  top: number,
  width: number,
  size: CellSize,
): string {
  const centre = left + width / 2
  const x = centre - size.width / 2
  const data = png.toString('base64')
  const name = escapeXml(shorten(label, width, 11))
  return [
    `<image x="${x}" y="${top}" width="${size.width}" height="${size.height}" preserveAspectRatio="none"`,
    ` image-rendering="optimizeSpeed" href="data:image/png;base64,${data}"/>`,
    `<text x="${centre}" y="${top + size.height + 14}" text-anchor="middle" font-weight="bold" fill="${INK.strong}">${name}</text>`,
    `<text x="${centre}" y="${top + size.height + 27}" text-anchor="middle" font-size="9" fill="${INK.normal}">#${index}</text>`,
  ].join('')
}
