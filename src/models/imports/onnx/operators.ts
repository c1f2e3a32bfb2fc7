import type { ActivationName } from '../../../mlp/activations/registry.ts'
import { SELU } from '../../../mlp/activations/selu.ts'
import { sizeOf } from '../../exports/exported-model.ts'
import { ELEMENT, type OnnxNode } from '../../onnx/messages.ts'
import { quote } from '../parse-json.ts'
import { refuse } from '../refuse.ts'
import type { Attributes } from './attributes.ts'
import type { Chain } from './chain.ts'
import { type Constants, describe } from './constants.ts'

/** An operator where it stands. */
export interface Call {
  node: OnnxNode
  /** Which of its inputs is the value that the chain brings. */
  place: number
  constants: Constants
  attributes: Attributes
  chain: Chain
}

/** Operators that are taken, and what each adds to the chain; all others are refused by name. */
export const OPERATORS: Readonly<Record<string, (call: Call) => void>> = {
  Gemm(call) {
    const { node, attributes } = call
    attributes.only('alpha', attributes.float('alpha', 1), 1)
    attributes.only('beta', attributes.float('beta', 1), 1)
    attributes.only('transA', attributes.int('transA', 0), 0)
    addProduct(call, node.input[2], attributes.int('transB', 0) !== 0)
  },
  MatMul: call => addProduct(call, undefined, false),
  Add: call => addAffine(call, other => [1, other]),
  Sub: call =>
    call.place === 0 ? addAffine(call, other => [1, negate(other)]) : addAffine(call, other => [-1, other]),
  Mul: call => addAffine(call, other => [other, 0]),
  Div(call) {
    if (call.place !== 0) throw refuse(`${describe(call.node)}: nothing is divided by an input`)
    addAffine(call, other => [{ ...other, values: Float64Array.from(other.values, value => 1 / value) }, 0])
  },
  Flatten({ chain, node, attributes }) {
    attributes.only('axis', attributes.int('axis', 1), 1, -chain.shape.length)
    chain.flatten(describe(node))
  },
  Reshape({ chain, node, constants, attributes }) {
    const batches = attributes.int('allowzero', 0) === 0 ? [-1, 0] : [-1]
    const { values } = constants.read(node, node.input[1])
    const [batch = 1, features = 0] = values
    if (
      values.length !== 2 ||
      !batches.includes(batch) ||
      (features !== -1 && features !== sizeOf(chain.shape))
    ) {
      throw refuse(`${describe(node)} must put an example into one axis; received [${values.join(', ')}]`)
    }
    chain.flatten(describe(node))
  },
  Identity: () => {},
  Cast({ node, attributes }) {
    attributes.only('to', attributes.int('to', 0), ELEMENT.float, ELEMENT.double)
    attributes.only('saturate', attributes.int('saturate', 1), 1)
    if (node.input.length !== 1) throw refuse(`${describe(node)} must have one input`)
  },
  Dropout({ node, attributes }) {
    attributes.float('ratio', 0.5)
    attributes.int('seed', 0)
    if (node.input[2]) throw refuse(`${describe(node)} must not say whether it is trained`)
  },
  BatchNormalization({ node, constants, attributes, chain }) {
    const units = chain.unitsFor(describe(node))
    attributes.only('training_mode', attributes.int('training_mode', 0), 0)
    attributes.only('spatial', attributes.int('spatial', 1), 1)
    const momentum = shortest(attributes.float('momentum', 0.9))
    if (!(momentum >= 0 && momentum < 1)) {
      throw refuse(`${describe(node)}: momentum must be from 0 up to 1; received ${momentum}`)
    }
    const epsilon = epsilonOf(node, attributes.float('epsilon', 1e-5))
    const row = (index: number) => constants.weights(node, node.input[index], units)
    const [gamma, beta, mean, variance] = [row(1), row(2), row(3), row(4)]
    chain.layer(
      describe(node),
      {
        type: 'batchNormalization',
        momentum,
        epsilon,
        center: true,
        scale: true,
      },
      new Map([
        ['gamma', gamma],
        ['beta', beta],
        ['moving_mean', mean],
        ['moving_variance', variance],
      ]),
    )
  },
  LayerNormalization({ node, constants, attributes, chain }) {
    const units = chain.unitsFor(describe(node))
    attributes.only('axis', attributes.int('axis', -1), -1, 1)
    attributes.only('stash_type', attributes.int('stash_type', 1), 1)
    const epsilon = epsilonOf(node, attributes.float('epsilon', 1e-5))
    const center = Boolean(node.input[2])
    const weights = new Map([['gamma', constants.weights(node, node.input[1], units)]])
    if (center) weights.set('beta', constants.weights(node, node.input[2], units))
    chain.layer(describe(node), { type: 'layerNormalization', epsilon, center, scale: true }, weights)
  },
  Relu: activation('relu'),
  Sigmoid: activation('sigmoid'),
  Tanh: activation('tanh'),
  Softplus: activation('softplus'),
  LeakyRelu: activation('leakyRelu', attributes =>
    attributes.only('alpha', attributes.float('alpha', 0.01), 0.2),
  ),
  Elu: activation('elu', attributes => attributes.only('alpha', attributes.float('alpha', 1), 1)),
  Selu: activation('selu', attributes => {
    attributes.only('alpha', attributes.float('alpha', SELU.alpha), SELU.alpha)
    attributes.only('gamma', attributes.float('gamma', SELU.scale), SELU.scale)
  }),
  Gelu: activation('gelu', attributes =>
    attributes.only('approximate', attributes.text('approximate', 'none'), 'none'),
  ),
  Softmax: activation('softmax', attributes => attributes.only('axis', attributes.int('axis', -1), -1, 1)),
}

function activation(name: ActivationName, check: (attributes: Attributes) => void = () => {}) {
  return ({ node, attributes, chain }: Call) => {
    check(attributes)
    chain.activation(describe(node), name)
  }
}

function addProduct(
  { node, place, constants, chain }: Call,
  bias: string | undefined,
  isTransposed: boolean,
): void {
  const of = describe(node)
  if (place !== 0) throw refuse(`${of}: the examples must be its first input`)
  const inputs = chain.unitsFor(of)
  const { dims } = constants.read(node, node.input[1])
  const [rows = 0, columns = 0] = isTransposed ? [dims[1], dims[0]] : dims
  if (dims.length !== 2 || rows !== inputs || columns < 1 || columns > 65_536) {
    throw refuse(`${of}: the weights must be ${inputs} by 1 to 65536; received [${dims.join(', ')}]`)
  }
  const kernel = constants.weights(node, node.input[1], rows * columns)
  const weights = new Map([['kernel', isTransposed ? transpose(kernel, columns, rows) : kernel]])
  if (bias) weights.set('bias', repeat(constants.read(node, bias).values, columns, of))
  chain.dense(
    of,
    {
      type: 'dense',
      units: columns,
      activation: 'linear',
      useBias: Boolean(bias),
      kernelInitializer: 'glorotUniform',
      biasInitializer: 'zeros',
    },
    weights,
  )
}

/** A bias of one number counts for all. */
function repeat(values: Float32Array | Float64Array, count: number, of: string): Float32Array {
  if (!(values instanceof Float32Array) || (values.length !== 1 && values.length !== count)) {
    throw refuse(`${of}: the bias must be ${count} float32 numbers; received ${values.length}`)
  }
  return values.length === count ? values : new Float32Array(count).fill(values[0] ?? 0)
}

function transpose(matrix: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(
    matrix,
    (_, index) => matrix[(index % rows) * columns + Math.floor(index / rows)] ?? 0,
  )
}

type Known = ReturnType<Constants['read']>

function addAffine(
  { node, place, constants, chain }: Call,
  toPair: (other: Known) => [Known | number, Known | number],
) {
  if (node.input.length !== 2) throw refuse(`${describe(node)} must have two inputs`)
  const other = constants.read(node, node.input[1 - place])
  if (![ELEMENT.float, ELEMENT.double].includes(other.dataType as 1)) {
    throw refuse(`${describe(node)}: ${quote(node.input[1 - place])} must be float32 or float64`)
  }
  const [scale, shift] = toPair(other)
  chain.affine(describe(node), scale, shift)
}

function negate(constant: Known): Known {
  return { ...constant, values: constant.values.map(value => -value) as Known['values'] }
}

function epsilonOf(node: OnnxNode, attribute: number): number {
  const epsilon = shortest(attribute)
  if (epsilon > 0 && epsilon <= 1) return epsilon
  throw refuse(`${describe(node)}: epsilon must be above 0 and at most 1; received ${epsilon}`)
}

/** Attributes are float32: 0.001 is to be 0.001 again. */
function shortest(attribute: number): number {
  return Number(attribute.toPrecision(7))
}
