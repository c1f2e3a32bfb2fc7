import type { BinaryKind, Operation, UnaryKind, Value } from '../../../src/mlp/operations.ts'
import { isUpdate, type UpdateOperation } from '../../../src/mlp/updates.ts'
import { attr, type GraphDef } from './graph-def.ts'

/** The nodes that values became, by value id. */
export type Names = Map<number, string>

const FLOAT = attr.type('DT_FLOAT')
const INT = attr.type('DT_INT32')

const UNARY_OPS: Record<UnaryKind, string> = {
  relu: 'Relu',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  softmax: 'Softmax',
  softplus: 'Softplus',
  abs: 'Abs',
  square: 'Square',
}

/** TensorFlow's gradient operations differ in whether `y` or `∂L/∂y` comes first. */
const BINARY_OPS: Record<BinaryKind, { op: string; swapped: boolean }> = {
  add: { op: 'AddV2', swapped: false },
  subtract: { op: 'Sub', swapped: false },
  multiply: { op: 'Mul', swapped: false },
  divide: { op: 'RealDiv', swapped: false },
  reluGradient: { op: 'ReluGrad', swapped: false },
  sigmoidGradient: { op: 'SigmoidGrad', swapped: true },
  tanhGradient: { op: 'TanhGrad', swapped: true },
}

/** Writes an operation that makes a value, and notes its node under the value. */
export function emitOperation(graph: GraphDef, operation: Operation, names: Names): void {
  if (isUpdate(operation)) throw new Error(`${operation.kind} changes a variable, it makes no value`)
  const node = emit(graph, operation, value => nameOf(names, value))
  names.set(operation.output.id, node)
  if (operation.kind === 'softmaxCrossEntropy') names.set(operation.gradient.id, `${node}:1`)
}

/** The node of a value. */
export function nameOf(names: Names, value: Value): string {
  const name = names.get(value.id)
  if (name === undefined) throw new Error(`value ${value.id} is read before it is made`)
  return name
}

type Computed = Exclude<Operation, UpdateOperation>

function emit(graph: GraphDef, operation: Computed, name: (value: Value) => string): string {
  switch (operation.kind) {
    case 'constant':
      return graph.float(operation.value)
    case 'matMul':
      return graph.node('MatMul', [name(operation.a), name(operation.b)], {
        T: FLOAT,
        transpose_a: attr.bool(operation.transposeA),
        transpose_b: attr.bool(operation.transposeB),
      })
    case 'addBias':
      return graph.node('BiasAdd', [name(operation.x), name(operation.bias)], { T: FLOAT })
    case 'sumExamples':
      return graph.node('BiasAddGrad', [name(operation.x)], { T: FLOAT })
    case 'sumUnits': {
      const attributes = { T: FLOAT, Tidx: INT, keep_dims: attr.bool(true) }
      return graph.node('Sum', [name(operation.x), graph.int(1)], attributes)
    }
    case 'flatten':
      return graph.reshape(name(operation.x), 'DT_FLOAT', [-1])
    case 'oneHot': {
      const inputs = [name(operation.labels), graph.int(operation.depth), graph.float(1), graph.float(0)]
      return graph.node('OneHot', inputs, { T: FLOAT, TI: INT, axis: attr.int(-1) })
    }
    case 'castLabels':
      return graph.reshape(graph.cast(name(operation.labels), 'DT_INT32', 'DT_FLOAT'), 'DT_FLOAT', [-1, 1])
    case 'softmaxCrossEntropy': {
      const inputs = [name(operation.logits), name(operation.labels)]
      return graph.node('SparseSoftmaxCrossEntropyWithLogits', inputs, { T: FLOAT, Tlabels: INT })
    }
    case 'relu':
    case 'sigmoid':
    case 'tanh':
    case 'softmax':
    case 'softplus':
    case 'abs':
    case 'square':
      return graph.node(UNARY_OPS[operation.kind], [name(operation.x)], { T: FLOAT })
    default: {
      const { op, swapped } = BINARY_OPS[operation.kind]
      const inputs = [name(operation.a), name(operation.b)]
      return graph.node(op, swapped ? inputs.reverse() : inputs, { T: FLOAT })
    }
  }
}

/**
 * Writes the change of a variable by TensorFlow's fused kernels, which compute what `applyUpdate` does.
 * @param name - handles of variables and slots, values of gradients and scalars
 * @param after - nodes that must have run: all that read the old value
 * @returns the node that does it
 */
export function emitUpdate(
  graph: GraphDef,
  operation: UpdateOperation,
  name: (value: Value) => string,
  after: readonly string[],
): string {
  const { variable, gradient, learningRate } = operation
  const write = (op: string, inputs: readonly string[], more = {}) =>
    graph.node(op, [...inputs, ...after.map(node => `^${node}`)], {
      T: FLOAT,
      use_locking: attr.bool(false),
      ...more,
    })
  const [w, g, rate] = [name(variable), name(gradient), name(learningRate)]
  switch (operation.kind) {
    case 'applyGradientDescent':
      return write('ResourceApplyGradientDescent', [w, rate, g])
    case 'applyMomentum': {
      const inputs = [w, name(operation.velocity), rate, g, graph.float(operation.momentum)]
      return write('ResourceApplyKerasMomentum', inputs, { use_nesterov: attr.bool(operation.nesterov) })
    }
    case 'applyAdam': {
      const powers = [name(operation.beta1Power), name(operation.beta2Power)]
      const constants = [
        graph.float(operation.beta1),
        graph.float(operation.beta2),
        graph.float(operation.epsilon),
      ]
      const inputs = [w, name(operation.m), name(operation.v), ...powers, rate, ...constants, g]
      return write('ResourceApplyAdam', inputs, { use_nesterov: attr.bool(false) })
    }
    case 'applyRmsprop': {
      const constants = [
        graph.float(operation.rho),
        graph.float(operation.momentumRate),
        graph.float(operation.epsilon),
      ]
      const slots = [name(operation.meanSquare), name(operation.momentum)]
      return write('ResourceApplyRMSProp', [w, ...slots, rate, ...constants, g])
    }
  }
}
