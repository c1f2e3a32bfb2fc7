import { bytesOf } from '../exports/exported-model.ts'
import type { BinaryKind, GraphWriter, InputType, Tensor, UnaryKind } from '../exports/graph/graph-writer.ts'
import {
  ATTRIBUTE,
  type Draft,
  ELEMENT,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './messages.ts'

/** The operators of another kind of number. */
const UNARY: Record<UnaryKind, string> = {
  floor: 'Floor',
  abs: 'Abs',
  sign: 'Sign',
  log: 'Log',
  sin: 'Sin',
  cos: 'Cos',
}

const BINARY: Record<BinaryKind, string> = {
  add: 'Add',
  subtract: 'Sub',
  multiply: 'Mul',
  divide: 'Div',
  minimum: 'Min',
  maximum: 'Max',
}

const ELEMENT_OF: Record<InputType, number> = {
  uint8: ELEMENT.uint8,
  float32: ELEMENT.float,
  float64: ELEMENT.double,
  text: ELEMENT.string,
}

/** A number: whole ones are integers, unless they stand as `{ float }`. */
type AttributeValue = number | { float: number } | string

/**
 * A graph of ONNX on its way to a file. Names of values begin with a slash, so that no column of a table has the same.
 * @see https://onnx.ai/onnx/operators
 */
export class OnnxGraph implements GraphWriter {
  readonly nodes: Draft<OnnxNode>[] = []
  readonly initializers: Draft<OnnxTensor>[] = []
  readonly inputs: Draft<OnnxValue>[] = []
  readonly #working: 'float32' | 'float64'
  #count = 0

  /** @param working - the precision of what stands around the network */
  constructor(working: 'float32' | 'float64') {
    this.#working = working
  }

  /** Adds an operator with one output, and gives that. */
  node(
    opType: string,
    inputs: readonly Tensor[],
    attributes: Record<string, AttributeValue> = {},
    name = `/${opType}_${this.#count++}`,
  ): Tensor {
    this.nodes.push({
      opType,
      name,
      input: inputs,
      output: [name],
      attribute: Object.entries(attributes).map(([key, value]) => toAttribute(key, value)),
    })
    return name
  }

  /** A tensor of float32 that is known. */
  weights(name: string, shape: readonly number[], values: Float32Array): Tensor {
    this.initializers.push({ name, dims: shape, dataType: ELEMENT.float, rawData: bytesOf(values) })
    return name
  }

  input(name: string, type: InputType, shape: readonly number[]): Tensor {
    this.inputs.push(describeValue(name, ELEMENT_OF[type], shape))
    return name
  }

  toWorking(x: Tensor, type: InputType): Tensor {
    return type === this.#working ? x : this.node('Cast', [x], { to: ELEMENT_OF[this.#working] })
  }

  toFloat32(x: Tensor): Tensor {
    return this.#working === 'float32' ? x : this.node('Cast', [x], { to: ELEMENT.float })
  }

  numbers(values: readonly number[], shape: readonly number[]): Tensor {
    const array = this.#working === 'float32' ? Float32Array.from(values) : Float64Array.from(values)
    return this.#constant({ dims: shape, dataType: ELEMENT_OF[this.#working], rawData: bytesOf(array) })
  }

  texts(values: readonly string[]): Tensor {
    const stringData = values.map(value => Buffer.from(value))
    return this.#constant({ dims: [1, values.length], dataType: ELEMENT.string, stringData })
  }

  unary(kind: UnaryKind, x: Tensor): Tensor {
    return this.node(UNARY[kind], [x])
  }

  binary(kind: BinaryKind, a: Tensor, b: Tensor): Tensor {
    return this.node(BINARY[kind], [a, b])
  }

  isMissing(x: Tensor): Tensor {
    return this.#indicate(this.node('IsNaN', [x]))
  }

  isEqual(a: Tensor, b: Tensor): Tensor {
    return this.#indicate(this.node('Equal', [a, b]))
  }

  isSameText(a: Tensor, b: Tensor): Tensor {
    return this.#indicate(this.node('Equal', [a, b]))
  }

  fillMissing(x: Tensor, fill: number): Tensor {
    return this.node('Where', [this.node('IsNaN', [x]), this.numbers([fill], []), x])
  }

  sumUnits(x: Tensor): Tensor {
    return this.node('ReduceSum', [x, this.#integers([1])], { keepdims: 1 })
  }

  matMul(a: Tensor, b: Tensor): Tensor {
    return this.node('MatMul', [a, b])
  }

  reshape(x: Tensor, shape: readonly number[]): Tensor {
    return this.node('Reshape', [x, this.#integers([-1, ...shape])])
  }

  concat(parts: readonly Tensor[]): Tensor {
    const [only] = parts
    return parts.length === 1 && only !== undefined ? only : this.node('Concat', parts, { axis: 1 })
  }

  #indicate(condition: Tensor): Tensor {
    return this.node('Cast', [condition], { to: ELEMENT_OF[this.#working] })
  }

  #integers(values: readonly number[]): Tensor {
    const rawData = bytesOf(BigInt64Array.from(values, BigInt))
    return this.#constant({ dims: [values.length], dataType: ELEMENT.int64, rawData })
  }

  #constant(tensor: Draft<OnnxTensor>): Tensor {
    const name = `/constant_${this.#count++}`
    this.initializers.push({ ...tensor, name })
    return name
  }
}

/** What is said of an input or output; the first dimension is the batch. */
export function describeValue(name: string, elemType: number, shape: readonly number[]): Draft<OnnxValue> {
  const dim = [{ dimParam: 'batch' }, ...shape.map(dimValue => ({ dimValue }))]
  return { name, type: { tensorType: { elemType, shape: { dim } } } }
}

function toAttribute(name: string, value: AttributeValue): Draft<OnnxAttribute> {
  if (typeof value === 'string') return { name, type: ATTRIBUTE.string, s: Buffer.from(value) }
  return typeof value === 'number'
    ? { name, type: ATTRIBUTE.int, i: value }
    : { name, type: ATTRIBUTE.float, f: value.float }
}
