import { fieldError } from '../../errors.ts'
import { decodeBase64 } from '../decode-base64.ts'
import type { TensorValues } from '../named-inputs/named-input.ts'

/** Enough for any input of a model; a list thousands deep would exhaust the stack. */
const DIMENSIONS_MAX = 32

/**
 * A JSON value as values: the nesting is the shape, `{ "b64": … }` are bytes.
 * @param pointer - of the value
 * @throws {AppError} INPUT_INVALID when lists of one nesting differ in length, IMAGE_INVALID for what is no base64
 * @see https://www.tensorflow.org/tfx/serving/api_rest#encoding_binary_values
 */
export function readValues(value: unknown, pointer: string): TensorValues {
  const shape: number[] = []
  for (let first = value; Array.isArray(first); first = first[0]) shape.push(first.length)
  if (shape.length > DIMENSIONS_MAX) {
    const detail = `lists may be ${DIMENSIONS_MAX} deep; received ${shape.length}`
    throw fieldError('INPUT_INVALID', pointer, detail)
  }
  const elements: unknown[] = shape.length === 0 ? [value] : (value as unknown[]).flat(shape.length - 1)
  const length = shape.reduce((product, dimension) => product * dimension, 1)
  if (elements.length !== length || elements.some(Array.isArray)) {
    throw fieldError('INPUT_INVALID', pointer, 'lists beside each other must have the same length')
  }
  if (elements.every(element => typeof element === 'number')) {
    return { kind: 'numbers', numbers: Float64Array.from(elements as number[]), shape }
  }
  return { kind: 'elements', elements: elements.map(element => readBytes(element, pointer)), shape }
}

/** Whether a value stands for bytes. */
export function isBytes(value: unknown): value is { b64: string } {
  return typeof value === 'object' && value !== null && 'b64' in value && typeof value.b64 === 'string'
}

function readBytes(element: unknown, pointer: string): unknown {
  return isBytes(element) ? decodeBase64(element.b64, pointer) : element
}
