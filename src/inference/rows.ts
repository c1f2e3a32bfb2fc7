import { featureCount } from '../datasets/content.ts'
import { AppError } from '../errors.ts'
import type { DecodeImage } from './decode-image.ts'

/** Examples as a network takes them. */
export interface Rows {
  count: number
  /** `[count, features]`, row by row, in the data's own units. */
  features: Float32Array
}

/** What a client posted: image files, or numbers in any nesting; with the place of each for errors. */
export type PredictionInputs =
  | { kind: 'images'; images: readonly { pointer: string; content: Buffer }[] }
  | { kind: 'instances'; instances: readonly unknown[][]; pointer: string }

/**
 * Inputs as rows: images decoded, numbers flattened.
 * @param shape - of one example
 * @throws {AppError} IMAGE_INVALID and INPUT_INVALID with the place of the input
 */
export async function toRows(
  decodeImage: DecodeImage,
  inputs: PredictionInputs,
  shape: readonly number[],
): Promise<Rows> {
  const rows =
    inputs.kind === 'images'
      ? await decodeAll(decodeImage, inputs.images, shape)
      : flattenAll(inputs.instances, inputs.pointer, shape)
  const units = featureCount(shape)
  const features = new Float32Array(rows.length * units)
  for (const [index, row] of rows.entries()) features.set(row, index * units)
  return { count: rows.length, features }
}

async function decodeAll(
  decodeImage: DecodeImage,
  images: readonly { pointer: string; content: Buffer }[],
  shape: readonly number[],
): Promise<Float32Array[]> {
  const rows: Float32Array[] = []
  for (const { pointer, content } of images) {
    try {
      rows.push(await decodeImage(content, shape))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      throw new AppError(error.code, error.message, {
        errors: [{ pointer, detail: error.message }],
        cause: error,
      })
    }
  }
  return rows
}

function flattenAll(
  instances: readonly unknown[][],
  pointer: string,
  shape: readonly number[],
): Float32Array[] {
  const units = featureCount(shape)
  return instances.map((instance, index) => {
    const numbers = instance.flat(shape.length)
    const wrong = numbers.find(number => !isFiniteFloat32(number))
    if (numbers.length !== units || wrong !== undefined) {
      const received = wrong === undefined ? `${numbers.length} numbers` : describe(wrong)
      const detail = `an instance must hold ${units} finite numbers (${shape.join(' × ')}); received ${received}`
      throw new AppError('INPUT_INVALID', detail, { errors: [{ pointer: `${pointer}/${index}`, detail }] })
    }
    return Float32Array.from(numbers as number[])
  })
}

/** A number of JSON may be beyond float32, which the network computes in. */
function isFiniteFloat32(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(Math.fround(value))
}

/** A number's place taken by something else, in few words: what is nested may be too deep to be written out. */
function describe(value: unknown): string {
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'a list nested too deep' : 'an object'
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)
}
