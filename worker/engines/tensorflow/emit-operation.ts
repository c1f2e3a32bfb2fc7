import { unitsOf } from '../../../src/mlp/graph.ts'
import type { BinaryKind, ComputeOperation, UnaryKind, Value } from '../../../src/mlp/operations.ts'
import { philoxKey } from '../../../src/mlp/philox.ts'
import { attr, type GraphDef } from './graph-def.ts'

/** Gives the node of a value. */
export type NameOf = (value: Value) => string

/** The examples that an operation works on: a part of a step, or all of a call. */
export interface Part {
  /** Where the part begins in its step, a node. */
  begin: string
  /** How many examples there are, a node. */
  count: string
  seed: number
}

const FLOAT = attr.type('DT_FLOAT')
const INT = attr.type('DT_INT32')

const UNARY_OPS: Record<UnaryKind, string> = {
  relu: 'Relu',
  elu: 'Elu',
  selu: 'Selu',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  softmax: 'Softmax',
  softplus: 'Softplus',
  erf: 'Erf',
  exp: 'Exp',
  log: 'Log',
  sqrt: 'Sqrt',
  square: 'Square',
  abs: 'Abs',
  sign: 'Sign',
}

/** TensorFlow's gradient operations differ in whether `y` or `∂L/∂y` comes first. */
const BINARY_OPS: Record<BinaryKind, { op: string; swapped?: true }> = {
  add: { op: 'AddV2' },
  subtract: { op: 'Sub' },
  multiply: { op: 'Mul' },
  divide: { op: 'RealDiv' },
  power: { op: 'Pow' },
  maximum: { op: 'Maximum' },
  minimum: { op: 'Minimum' },
  reluGradient: { op: 'ReluGrad' },
  eluGradient: { op: 'EluGrad' },
  seluGradient: { op: 'SeluGrad' },
  sigmoidGradient: { op: 'SigmoidGrad', swapped: true },
  tanhGradient: { op: 'TanhGrad', swapped: true },
}

/** Writes an operation and gives the node of its output; a second output is `:1` of it. */
export function emitOperation(
  graph: GraphDef,
  operation: Exclude<ComputeOperation, { kind: 'total' }>,
  name: NameOf,
  part: Part,
): string {
  switch (operation.kind) {
    case 'constant':
      return graph.float(operation.value)
    case 'matMul':
      return graph.node('MatMul', [name(operation.a), name(operation.b)], {
        T: FLOAT,
        transpose_a: attr.bool(operation.transposeA),
        transpose_b: attr.bool(operation.transposeB),
      })
    case 'sumExamples': // BiasAddGrad adds up in any order on a GPU
      return sum(graph, name(operation.x), graph.int(0), false)
    case 'sumUnits':
      return sum(graph, name(operation.x), graph.int(1), true)
    case 'sumAll': {
      const axes = graph.ints(operation.x.shape.map((_, axis) => axis))
      return sum(graph, name(operation.x), axes, false)
    }
    case 'reshape': {
      const shape = operation.output.shape.map(size => (size === 'batch' ? -1 : size))
      return graph.reshape(name(operation.x), 'DT_FLOAT', shape)
    }
    case 'takeUnits': {
      const { x, from, output } = operation
      return graph.slice(name(x), 'DT_FLOAT', graph.ints([0, from]), graph.ints([-1, unitsOf(output)]))
    }
    case 'joinUnits': {
      const attributes = { N: attr.int(operation.parts.length), T: FLOAT, Tidx: INT }
      return graph.node('ConcatV2', [...operation.parts.map(name), graph.int(1)], attributes)
    }
    case 'oneHot': {
      const inputs = [name(operation.labels), graph.int(operation.depth), graph.float(1), graph.float(0)]
      return graph.node('OneHot', inputs, { T: FLOAT, TI: INT, axis: attr.int(-1) })
    }
    case 'castLabels':
      return graph.reshape(graph.cast(name(operation.labels), 'DT_INT32', 'DT_FLOAT'), 'DT_FLOAT', [-1, 1])
    case 'lookUp': {
      const inputs = [graph.floats(operation.table), name(operation.labels), graph.int(0)]
      return graph.node('GatherV2', inputs, { Tparams: FLOAT, Tindices: INT, Taxis: INT })
    }
    case 'softmaxCrossEntropy': {
      const inputs = [name(operation.logits), name(operation.labels)]
      return graph.node('SparseSoftmaxCrossEntropyWithLogits', inputs, { T: FLOAT, Tlabels: INT })
    }
    case 'dropoutMask':
      return emitDropoutMask(graph, operation, name, part)
    default:
      return 'x' in operation
        ? graph.node(UNARY_OPS[operation.kind], [name(operation.x)], { T: FLOAT })
        : emitBinary(graph, operation, name)
  }
}

function sum(graph: GraphDef, x: string, axes: string, keepsDimensions: boolean): string {
  return graph.node('Sum', [x, axes], { T: FLOAT, Tidx: INT, keep_dims: attr.bool(keepsDimensions) })
}

function emitBinary(
  graph: GraphDef,
  { kind, a, b }: Extract<ComputeOperation, { kind: BinaryKind }>,
  name: NameOf,
): string {
  const inputs = [name(a), name(b)]
  // TensorFlow fuses a BiasAdd with the product before it and the activation behind it.
  if (kind === 'add' && a.shape.length === 2 && b.shape.length === 1) {
    return graph.node('BiasAdd', inputs, { T: FLOAT })
  }
  const { op, swapped } = BINARY_OPS[kind]
  return graph.node(op, swapped ? inputs.reverse() : inputs, { T: FLOAT })
}

/**
 * Each part draws its own examples' numbers: its counter begins where theirs do.
 * @see src/mlp/philox.ts; tensorflow/core/kernels/stateless_random_ops_v2.cc: algorithm 1 is Philox
 */
function emitDropoutMask(
  graph: GraphDef,
  { rate, stream, step, output }: Extract<ComputeOperation, { kind: 'dropoutMask' }>,
  name: NameOf,
  part: Part,
): string {
  const units = Number(output.shape[1])
  const blocks = Math.ceil(units / 4)
  const [low, high] = philoxKey(part.seed, stream)
  const key = graph.uint64s([(BigInt(high) << 32n) | BigInt(low)])
  const begin = graph.node('Mul', [part.begin, graph.int(blocks)], { T: INT })
  const uint64 = (int: string) => graph.cast(int, 'DT_INT32', 'DT_UINT64')
  const counter = graph.pack([uint64(begin), uint64(name(step))], 'DT_UINT64')
  const shape = graph.pack([part.count, graph.int(blocks * 4)], 'DT_INT32')
  const drawn = graph.node('StatelessRandomUniformV2', [shape, key, counter, graph.int(1)], {
    dtype: FLOAT,
    Tshape: INT,
  })
  const uniform =
    blocks * 4 === units ? drawn : graph.slice(drawn, 'DT_FLOAT', graph.ints([0, 0]), graph.ints([-1, units]))
  const isKept = graph.node('GreaterEqual', [uniform, graph.float(rate)], { T: FLOAT })
  const kept = graph.cast(isKept, 'DT_BOOL', 'DT_FLOAT')
  return graph.node('Mul', [kept, graph.float(1 / (1 - rate))], { T: FLOAT })
}
