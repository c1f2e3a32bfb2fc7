import type { ImageHead } from '../../../images/png-header.ts'
import type { UploadOptions } from '../../upload-options.ts'

/** Pixels of a side at most, unless a size is given: a network of dense layers has a weight for each. */
export const SIDE_MAX = 128

/** The shape that all images are brought to. */
export interface ChosenShape {
  /** `[height, width, channels]` */
  shape: [number, number, number]
  warnings: string[]
}

/**
 * The shape of a dataset of images. What is not given is taken from the images: the median of the widths by the
 * median of the heights, made smaller with its proportions kept until no side is longer than 128; colour when one
 * image may hold colour. So images of one size keep it.
 * @param heads - of all images
 */
export function chooseShape(
  heads: readonly ImageHead[],
  { imageSize, colour }: Pick<UploadOptions, 'imageSize' | 'colour'>,
): ChosenShape {
  const isColour = colour === null ? heads.some(head => head.isColour) : colour === 'colour'
  const channels = isColour ? 3 : 1
  const { width, height } = imageSize ?? inferSize(heads)
  const others = heads.filter(head => head.width !== width || head.height !== height).length
  const warnings: string[] = []
  if (imageSize === null && others > 0) {
    const share = `${others.toLocaleString('en')} of ${heads.length.toLocaleString('en')}`
    warnings.push(
      `${share} images have another size and are made ${width} × ${height}; the part imageSize chooses another.`,
    )
  }
  const greys = heads.filter(head => !head.isColour).length
  if (colour === null && isColour && greys > 0) {
    warnings.push(
      `${greys.toLocaleString('en')} of ${heads.length.toLocaleString('en')} images are grey among coloured ones.`,
    )
  }
  return { shape: [height, width, channels], warnings }
}

function inferSize(heads: readonly ImageHead[]): { width: number; height: number } {
  const width = median(heads.map(head => head.width))
  const height = median(heads.map(head => head.height))
  const scale = Math.min(1, SIDE_MAX / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** Of an even number the lower one in the middle, for it is a size that occurs. */
function median(lengths: number[]): number {
  return lengths.sort((a, b) => a - b)[Math.floor((lengths.length - 1) / 2)] ?? 1
}
