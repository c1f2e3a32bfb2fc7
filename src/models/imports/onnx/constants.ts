import { sizeOf } from '../../exports/exported-model.ts'
import { ELEMENT, type OnnxGraph, type OnnxNode, type OnnxTensor } from '../../onnx/messages.ts'
import { quote } from '../parse-json.ts'
import { refuse } from '../refuse.ts'
import { takeNumbers } from '../tfjs/read-weights.ts'

/** A tensor that is known: its numbers as they are, whatever their type was. */
export interface Constant {
  dims: readonly number[]
  dataType: number
  values: Float32Array | Float64Array
}

/** What is known in a graph: its initialisers, and what its `Constant` nodes give. */
export class Constants {
  readonly #tensors: Map<string, OnnxTensor>

  constructor({ initializer, node }: OnnxGraph) {
    this.#tensors = new Map(initializer.map(tensor => [tensor.name ?? '', tensor]))
    for (const { opType, output, attribute } of node) {
      const tensor = attribute.find(({ name }) => name === 'value')?.t
      if (opType === 'Constant' && output[0] !== undefined && tensor) this.#tensors.set(output[0], tensor)
    }
  }

  has(name: string | undefined): boolean {
    return name !== undefined && this.#tensors.has(name)
  }

  /** Numbers of a known tensor. @throws {AppError} MODEL_FILE_INVALID */
  read(node: OnnxNode, name: string | undefined): Constant {
    const tensor = name === undefined ? undefined : this.#tensors.get(name)
    if (!tensor) throw refuse(`${describe(node)}: ${quote(name)} must be known`)
    const { dims, dataType = 0, dataLocation = 0, externalData } = tensor
    if (dataLocation !== 0 || externalData.length > 0) {
      throw refuse(`the numbers of ${quote(name)} must be in the file itself, not in another`)
    }
    if (!dims.every(length => Number.isSafeInteger(length) && length >= 0)) {
      throw refuse(`${quote(name)} must have dimensions; received ${quote(dims)}`)
    }
    const values = numbersOf(tensor, dataType, sizeOf(dims))
    if (values) return { dims, dataType, values }
    throw refuse(`${quote(name)} must hold ${sizeOf(dims)} float32 numbers; it does not`)
  }

  /** Weights of a layer, which are float32. @throws {AppError} MODEL_FILE_INVALID */
  weights(node: OnnxNode, name: string | undefined, size: number): Float32Array {
    const { values, dims } = this.read(node, name)
    if (values instanceof Float32Array && values.length === size) return values
    throw refuse(
      `${describe(node)}: ${quote(name)} must be ${size} float32 numbers; received [${dims.join(', ')}]`,
    )
  }
}

/** What an operator is called in messages. */
export function describe({ opType, name }: OnnxNode): string {
  return name ? `${opType} ${quote(name)}` : `${opType}`
}

function numbersOf(tensor: OnnxTensor, dataType: number, size: number) {
  const { rawData, floatData, doubleData, int64Data } = tensor
  const isRaw = rawData !== undefined && rawData.length > 0
  switch (dataType) {
    case ELEMENT.float:
      if (isRaw) return rawData.length === size * 4 ? takeNumbers(rawData, 0, size) : null
      return floatData.length === size ? Float32Array.from(floatData) : null
    case ELEMENT.double:
      if (isRaw) return rawData.length === size * 8 ? takeDoubles(rawData, size) : null
      return doubleData.length === size ? Float64Array.from(doubleData) : null
    case ELEMENT.int64:
      if (isRaw) return rawData.length === size * 8 ? takeIntegers(rawData, size) : null
      return int64Data.length === size ? Float64Array.from(int64Data) : null
    default:
      return null
  }
}

function takeDoubles({ buffer, byteOffset }: Uint8Array, count: number): Float64Array {
  return new Float64Array(buffer.slice(byteOffset, byteOffset + count * 8))
}

function takeIntegers({ buffer, byteOffset }: Uint8Array, count: number): Float64Array {
  return Float64Array.from(new BigInt64Array(buffer.slice(byteOffset, byteOffset + count * 8)), Number)
}
