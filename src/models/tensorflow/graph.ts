import { bytesOf } from '../exports/exported-model.ts'
import type { BinaryKind, GraphWriter, InputType, Tensor, UnaryKind } from '../exports/graph/graph-writer.ts'

/** TensorFlow's element types, as far as models need them. */
export type DataType = 'DT_FLOAT' | 'DT_DOUBLE' | 'DT_INT32' | 'DT_UINT8' | 'DT_STRING' | 'DT_BOOL'

interface Shape {
  dim: { size: number }[]
}

/** An attribute of a node, as its message. */
export type Attribute =
  | { type: DataType }
  | { b: boolean }
  | { i: number }
  | { shape: Shape }
  | { tensor: TensorflowConstant }

/** A tensor that is known. */
export interface TensorflowConstant {
  dtype: DataType
  tensorShape: Shape
  tensorContent?: Uint8Array
  stringVal?: Uint8Array[]
}

/** A node of a graph. */
export interface TensorflowNode {
  name: string
  op: string
  input: readonly Tensor[]
  attr: Record<string, Attribute>
}

const UNARY: Record<UnaryKind, string> = {
  floor: 'Floor',
  abs: 'Abs',
  sign: 'Sign',
  log: 'Log',
  sin: 'Sin',
  cos: 'Cos',
}

const BINARY: Record<BinaryKind, string> = {
  add: 'AddV2',
  subtract: 'Sub',
  multiply: 'Mul',
  divide: 'RealDiv',
  minimum: 'Minimum',
  maximum: 'Maximum',
}

const TYPE_OF: Record<InputType, DataType> = {
  uint8: 'DT_UINT8',
  float32: 'DT_FLOAT',
  float64: 'DT_DOUBLE',
  text: 'DT_STRING',
}

/** The message of a shape; −1 is any number. */
export function shapeOf(shape: readonly number[]): Shape {
  return { dim: shape.map(size => ({ size })) }
}

/**
 * A graph of TensorFlow on its way to a file.
 * @see tensorflow/core/ops/ops.pbtxt for the operators and their attributes
 */
export class TensorflowGraph implements GraphWriter {
  readonly nodes: TensorflowNode[] = []
  /** By the names that users give them. */
  readonly inputs: Record<string, { node: string; dtype: DataType; shape: readonly number[] }> = {}
  readonly #working: DataType

  /** @param working - the precision of what stands around the network */
  constructor(working: 'float32' | 'float64') {
    this.#working = TYPE_OF[working]
  }

  /** Adds a node and gives its name: the given one, or one of its own. */
  node(
    op: string,
    inputs: readonly Tensor[],
    attr: Record<string, Attribute> = {},
    name = `${op}_${this.nodes.length}`,
  ): Tensor {
    this.nodes.push({ name, op, input: inputs, attr })
    return name
  }

  /** A tensor of float32 that is known. */
  weights(name: string, shape: readonly number[], values: Float32Array): Tensor {
    return this.#constant('DT_FLOAT', shape, { tensorContent: bytesOf(values) }, name)
  }

  input(name: string, type: InputType, shape: readonly number[]): Tensor {
    const dtype = TYPE_OF[type]
    const whole = [-1, ...shape]
    const node = this.node('Placeholder', [], { dtype: { type: dtype }, shape: { shape: shapeOf(whole) } })
    this.inputs[name] = { node, dtype, shape: whole }
    return node
  }

  toWorking(x: Tensor, type: InputType): Tensor {
    return this.#cast(x, TYPE_OF[type], this.#working)
  }

  toFloat32(x: Tensor): Tensor {
    return this.#cast(x, this.#working, 'DT_FLOAT')
  }

  numbers(values: readonly number[], shape: readonly number[]): Tensor {
    const array = this.#working === 'DT_FLOAT' ? Float32Array.from(values) : Float64Array.from(values)
    return this.#constant(this.#working, shape, { tensorContent: bytesOf(array) })
  }

  texts(values: readonly string[]): Tensor {
    return this.#constant('DT_STRING', [1, values.length], {
      stringVal: values.map(value => Buffer.from(value)),
    })
  }

  unary(kind: UnaryKind, x: Tensor): Tensor {
    return this.node(UNARY[kind], [x], { T: { type: this.#working } })
  }

  binary(kind: BinaryKind, a: Tensor, b: Tensor): Tensor {
    return this.node(BINARY[kind], [a, b], { T: { type: this.#working } })
  }

  isMissing(x: Tensor): Tensor {
    return this.#cast(this.#isNaN(x), 'DT_BOOL', this.#working)
  }

  isEqual(a: Tensor, b: Tensor): Tensor {
    return this.#cast(this.node('Equal', [a, b], { T: { type: this.#working } }), 'DT_BOOL', this.#working)
  }

  isSameText(a: Tensor, b: Tensor): Tensor {
    return this.#cast(this.node('Equal', [a, b], { T: { type: 'DT_STRING' } }), 'DT_BOOL', this.#working)
  }

  fillMissing(x: Tensor, fill: number): Tensor {
    return this.node('SelectV2', [this.#isNaN(x), this.numbers([fill], []), x], {
      T: { type: this.#working },
    })
  }

  sumUnits(x: Tensor): Tensor {
    return this.#sum(x, this.#working)
  }

  /** `[batch, units]` float32 to `[batch, 1]`. */
  sumFloats(x: Tensor): Tensor {
    return this.#sum(x, 'DT_FLOAT')
  }

  matMul(a: Tensor, b: Tensor): Tensor {
    return this.node('BatchMatMulV2', [a, b], {
      T: { type: this.#working },
      adj_x: { b: false },
      adj_y: { b: false },
    })
  }

  reshape(x: Tensor, shape: readonly number[]): Tensor {
    return this.node('Reshape', [x, this.#integers([-1, ...shape])], {
      T: { type: this.#working },
      Tshape: INT32,
    })
  }

  concat(parts: readonly Tensor[]): Tensor {
    const [only] = parts
    if (parts.length === 1 && only !== undefined) return only
    const attr = { N: { i: parts.length }, T: { type: this.#working }, Tidx: INT32 }
    return this.node('ConcatV2', [...parts, this.#constant('DT_INT32', [], INTEGER_ONE)], attr)
  }

  #sum(x: Tensor, type: DataType): Tensor {
    const attr = { T: { type }, Tidx: INT32, keep_dims: { b: true } }
    return this.node('Sum', [x, this.#integers([1])], attr)
  }

  #isNaN(x: Tensor): Tensor {
    return this.node('IsNan', [x], { T: { type: this.#working } })
  }

  #cast(x: Tensor, from: DataType, to: DataType): Tensor {
    return from === to ? x : this.node('Cast', [x], { SrcT: { type: from }, DstT: { type: to } })
  }

  #integers(values: readonly number[]): Tensor {
    return this.#constant('DT_INT32', [values.length], { tensorContent: bytesOf(Int32Array.from(values)) })
  }

  #constant(
    dtype: DataType,
    shape: readonly number[],
    content: Pick<TensorflowConstant, 'tensorContent' | 'stringVal'>,
    name?: string,
  ): Tensor {
    const tensor = { dtype, tensorShape: shapeOf(shape), ...content }
    return this.node('Const', [], { dtype: { type: dtype }, value: { tensor } }, name)
  }
}

const INT32: Attribute = { type: 'DT_INT32' }
const INTEGER_ONE = { tensorContent: bytesOf(Int32Array.of(1)) }
