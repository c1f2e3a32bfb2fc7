import { featureCount } from '../../datasets/content.ts'
import { fieldError } from '../../errors.ts'
import type { ModelFile } from './model-file.ts'
import { quote } from './parse-json.ts'
import { refuse } from './refuse.ts'

/** Channels that images have: grey, colour, and with transparency. */
const CHANNELS: readonly (number | undefined)[] = [1, 3, 4]

/**
 * The shape of an example: `[height, width, channels]` of images, else `[features]`.
 * @param wanted - by the owner, who knows whether features are an image
 * @throws {AppError} MODEL_FILE_INVALID, VALIDATION_FAILED
 */
export function chooseShape(
  { inputShape, format }: ModelFile,
  wanted: readonly number[] | undefined,
): number[] {
  const features = featureCount(inputShape)
  if (wanted) {
    if (featureCount(wanted) === features && wanted.length !== 2 && isPlain(wanted)) return [...wanted]
    const detail = `must be [features] or [height, width, 1, 3 or 4] of ${features} in all; received ${quote(wanted)}`
    throw fieldError('VALIDATION_FAILED', '/options/inputShape', detail)
  }
  const [first = 1, second = 1, third] = inputShape
  if (inputShape.length === 1) return [first]
  if (inputShape.length === 2) return [first, second, 1]
  if (inputShape.length > 3) return [features]
  // One channel may stand first as well as last: features are in the same order. ONNX has it first.
  if (first === 1 && (format === 'onnx' || !CHANNELS.includes(third))) return [second, third ?? 1, 1]
  if (CHANNELS.includes(third)) return [...inputShape]
  if (CHANNELS.includes(first)) {
    const example = `"inputShape": [${features}]`
    throw refuse(
      `images must be height × width × channels; received ${inputShape.join(' × ')}. With ${example} they are taken as numbers`,
    )
  }
  return [features]
}

function isPlain(shape: readonly number[]): boolean {
  return shape.length === 1 || CHANNELS.includes(shape[2])
}
