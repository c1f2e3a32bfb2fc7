import { AppError, fieldError } from '../../errors.ts'
import type { DecodeImage } from '../../images/decode-image.ts'
import { decodeBase64 } from '../decode-base64.ts'
import type { Rows } from '../rows.ts'
import { INPUTS_MAX } from '../schemas.ts'
import type { Work } from '../turns.ts'
import { INPUT_NAME, type ModelInterface } from './model-interface.ts'
import { type NamedInput, type Numbers, nameOf } from './named-input.ts'
import { tableToRows } from './table-to-rows.ts'

/** Numbers between two looks at the clock: some 50 µs of work. */
const NUMBERS_AT_ONCE = 16_384

/**
 * Inputs as rows, in the units of the data.
 * @throws {AppError} INPUT_INVALID and IMAGE_INVALID with the place of what is wrong
 */
export async function namedInputsToRows(
  decodeImage: DecodeImage,
  model: ModelInterface,
  inputs: readonly NamedInput[],
  work: Work,
): Promise<Rows> {
  const [input] = inputs
  if (model.features) return tableToRows(model, model.features, inputs, work)
  if (!input || inputs.length > 1 || input.name !== INPUT_NAME) {
    const names = inputs.map(({ name }) => name).join(', ')
    throw fieldError('INPUT_INVALID', '/inputs', `there must be one input, ${INPUT_NAME}; received ${names}`)
  }
  const { values } = input
  if (values.kind === 'elements') return decodeImages(decodeImage, model, input, values.elements, work)
  const count = countExamples(model, values.numbers.length, values.shape, input.pointer)
  return { count, features: await toFloat32(values.numbers, model.units, input.pointer, work) }
}

/** @throws {AppError} INPUT_INVALID */
function countExamples(
  { shape, units }: ModelInterface,
  length: number,
  received: readonly number[],
  pointer: string,
): number {
  const [count = 0, ...rest] = received
  // The dimensions of an image, or of its numbers in a row; those of 1 say nothing of the order.
  const isFitting = [rest.join(), longOnes(rest)].some(
    text => text === String(units) || text === longOnes(shape),
  )
  if (!isFitting || count < 1 || count > INPUTS_MAX || length !== count * units) {
    const wanted = `[count, ${units}] or [count, ${shape.join(', ')}], count 1 to ${INPUTS_MAX}`
    throw fieldError(
      'INPUT_INVALID',
      pointer,
      `the shape must be ${wanted}; received [${received.join(', ')}]`,
    )
  }
  return count
}

function longOnes(shape: readonly number[]): string {
  return shape.filter(length => length !== 1).join()
}

/**
 * The numbers as float32, piece by piece; those that are float32 are not copied.
 * @throws {AppError} INPUT_INVALID when one is not finite in float32
 */
async function toFloat32(
  numbers: Numbers,
  units: number,
  pointer: string,
  work: Work,
): Promise<Float32Array> {
  const features = numbers instanceof Float32Array ? numbers : new Float32Array(numbers.length)
  for (let from = 0; from < numbers.length; from += NUMBERS_AT_ONCE) {
    if (work.isOver()) await work.next()
    const piece = features.subarray(from, from + NUMBERS_AT_ONCE)
    if (numbers instanceof BigInt64Array || numbers instanceof BigUint64Array) {
      for (let at = 0; at < piece.length; at++) piece[at] = Number(numbers[from + at])
    } else if (numbers !== features) piece.set(numbers.subarray(from, from + NUMBERS_AT_ONCE))
    if (areFinite(piece)) continue
    const wrong = from + piece.findIndex(number => !Number.isFinite(number))
    const place = `number ${wrong % units} of example ${Math.floor(wrong / units)}`
    throw fieldError('INPUT_INVALID', pointer, `numbers must be finite in float32; ${place} is not`)
  }
  return features
}

/** Without asking number by number: a sum of zeros is NaN as soon as one of them is not finite. */
function areFinite(numbers: Float32Array): boolean {
  let sum = 0
  for (let at = 0; at < numbers.length; at++) sum += (numbers[at] ?? 0) * 0
  return sum === 0
}

async function decodeImages(
  decodeImage: DecodeImage,
  { shape, units }: ModelInterface,
  { pointer, pointerOf }: NamedInput,
  elements: readonly unknown[],
  work: Work,
): Promise<Rows> {
  const count = elements.length
  if (count < 1 || count > INPUTS_MAX) {
    throw fieldError('INPUT_INVALID', pointer, `there must be 1 to ${INPUTS_MAX} inputs; received ${count}`)
  }
  const features = new Float32Array(count * units)
  for (const [index, element] of elements.entries()) {
    features.set(await decode(element, pointerOf(index)), index * units)
    if (work.isOver()) await work.next()
  }
  return { count, features }

  async function decode(element: unknown, place: string): Promise<Uint8Array> {
    if (!Buffer.isBuffer(element) && typeof element !== 'string') {
      const detail = `an input must hold ${units} numbers (${shape.join(' × ')}), or be an image; received ${nameOf(element)}`
      throw fieldError('INPUT_INVALID', place, detail)
    }
    const content = Buffer.isBuffer(element) ? element : decodeBase64(element, place)
    try {
      return await decodeImage(content, shape)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      throw new AppError(error.code, error.message, {
        errors: [{ pointer: place, detail: error.message }],
        cause: error,
      })
    }
  }
}
