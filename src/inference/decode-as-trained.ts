import type { DecodeImage } from '../images/decode-image.ts'
import type { StoredVersion } from '../models/repository.ts'

/** The decoder, fitting images to a model's shape as those were that it was trained with. */
export function decodeAsTrained(
  decodeImage: DecodeImage,
  { preprocessing }: Pick<StoredVersion, 'preprocessing'>,
): DecodeImage {
  const fit = 'image' in preprocessing ? preprocessing.image?.fit : undefined
  return (image, shape) => decodeImage(image, shape, fit)
}
