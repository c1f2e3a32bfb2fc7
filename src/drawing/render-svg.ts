import { createRequire } from 'node:module'
import { renderAsync } from '@resvg/resvg-js'

const require = createRequire(import.meta.url)
const FONT_FILES = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map(name =>
  require.resolve(`dejavu-fonts-ttf/ttf/${name}`),
)

/** PNG pixels per SVG pixel: sharp on high-density screens and in slides. */
const SCALE = 2

/**
 * Renders an SVG document of ours as PNG, at twice its size unless told otherwise, off the event loop. Only the
 * bundled DejaVu fonts are read, so that the picture is the same on every machine; characters they lack (such as
 * Chinese) are drawn as empty boxes.
 * @param svg - never one of a stranger, for an image in it may name a file of this machine
 */
export async function renderSvg(svg: string, scale = SCALE): Promise<Buffer> {
  const image = await renderAsync(svg, {
    font: { loadSystemFonts: false, fontFiles: FONT_FILES, defaultFontFamily: 'DejaVu Sans' },
    fitTo: { mode: 'zoom', value: scale },
  })
  return image.asPng()
}
