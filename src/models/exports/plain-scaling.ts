import type { FittedPreprocessing } from '../../preprocessing/preprocessing.ts'

/**
 * The factor and offset that a layer can do in front of a network: with them 255 − x, where images are inverted. Images
 * that are moved to their center of mass besides are inverted before that, so outside.
 * @returns null where there is more to do than that
 */
export function plainScaling(preprocessing: FittedPreprocessing): { scale: number; offset: number } | null {
  if (!('scale' in preprocessing)) return null
  const { scale, offset = 0, image } = preprocessing
  return image?.invert && !image.centerOfMass
    ? { scale: -scale, offset: offset + 255 * scale }
    : { scale, offset }
}
