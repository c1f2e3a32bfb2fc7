import { AssertionError } from 'node:assert'
import { divideProgram } from '../../mlp/forward/known-values.ts'
import type { Network } from '../../mlp/network.ts'
import type { BinaryKind, ComputeOperation, UnaryKind, Value } from '../../mlp/operations.ts'
import { buildInferenceProgram } from '../../mlp/program.ts'
import type { Tensor } from '../exports/graph/graph-writer.ts'
import type { TensorflowGraph } from './graph.ts'

/** TensorFlow's kernels of our functions, as far as predictions need them. */
const UNARY: Partial<Record<UnaryKind, string>> = {
  relu: 'Relu',
  elu: 'Elu',
  selu: 'Selu',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  softmax: 'Softmax',
  softplus: 'Softplus',
  erf: 'Erf',
  exp: 'Exp',
  sqrt: 'Sqrt',
  square: 'Square',
}

const BINARY: Partial<Record<BinaryKind, string>> = {
  add: 'AddV2',
  subtract: 'Sub',
  multiply: 'Mul',
  divide: 'RealDiv',
}

const FLOAT = { type: 'DT_FLOAT' } as const

/**
 * Writes the forward half of the network's program; what its weights decide is computed here. Weights keep their
 * names.
 * @param x - `[batch, inputUnits]` float32, as the first layer takes them
 * @returns `[batch, units]`
 */
export function writeNetwork(
  graph: TensorflowGraph,
  { network, inputUnits }: { network: Network; inputUnits: number },
  weights: ReadonlyMap<string, Float32Array>,
  x: Tensor,
): { outputs: Tensor; units: number } {
  const program = buildInferenceProgram({ inputUnits, network, inputScaling: { scale: 1, offset: 0 } })
  const { known, operations } = divideProgram(program, weights)
  const names = new Map(program.variables.map(({ name, value }) => [value.id, name]))
  const tensors = new Map([[program.features.id, x]])
  const find = (value: Value): Tensor => {
    const made = tensors.get(value.id)
    if (made !== undefined) return made
    const array = known.get(value.id)
    if (!array) throw new AssertionError({ message: `value ${value.id} is read before it is made` })
    const name = names.get(value.id) ?? `constant_${value.id}`
    const shape = value.shape.map(Number)
    const written = graph.weights(name, shape, Float32Array.from(array))
    tensors.set(value.id, written)
    return written
  }
  for (const operation of operations) {
    tensors.set(operation.output.id, writeOperation(graph, operation, find))
  }
  return { outputs: find(program.predictions), units: program.outputUnits }
}

function writeOperation(
  graph: TensorflowGraph,
  operation: ComputeOperation,
  find: (value: Value) => Tensor,
): Tensor {
  switch (operation.kind) {
    case 'matMul': {
      const { a, b, transposeA, transposeB } = operation
      return graph.node('MatMul', [find(a), find(b)], {
        T: FLOAT,
        transpose_a: { b: transposeA },
        transpose_b: { b: transposeB },
      })
    }
    case 'sumUnits':
      return graph.sumFloats(find(operation.x))
    default: {
      const { op, operands } = kernelOf(operation)
      if (op === undefined) throw new AssertionError({ message: `no prediction needs ${operation.kind}` })
      return graph.node(op, operands.map(find), { T: FLOAT })
    }
  }
}

function kernelOf(operation: ComputeOperation): { op?: string | undefined; operands: Value[] } {
  if ('x' in operation) return { op: UNARY[operation.kind as UnaryKind], operands: [operation.x] }
  if ('a' in operation)
    return { op: BINARY[operation.kind as BinaryKind], operands: [operation.a, operation.b] }
  return { operands: [] }
}
