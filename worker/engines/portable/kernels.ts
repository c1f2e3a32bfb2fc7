import * as tf from '@tensorflow/tfjs-core'
import { SELU } from '../../../src/mlp/activations/selu.ts'
import { unitsOf } from '../../../src/mlp/graph.ts'
import { softmaxCrossEntropy } from '../../../src/mlp/interpreter.ts'
import type { BinaryKind, ComputeOperation, UnaryKind, Value } from '../../../src/mlp/operations.ts'
import { fillDropoutMask, philoxKey } from '../../../src/mlp/philox.ts'

/** Where kernels find their operands and leave their results. */
export interface KernelContext {
  get(value: Value): tf.Tensor
  set(value: Value, tensor: tf.Tensor): void
  /** How many examples there are. */
  batch: number
  seed: number
}

/** Runs one operation. The caller's `tidy` owns the tensors. */
export function runKernel(operation: ComputeOperation, context: KernelContext): void {
  const { get, set } = context
  switch (operation.kind) {
    case 'softmaxCrossEntropy': {
      const logits = get(operation.logits)
      const labels = Float32Array.from(get(operation.labels).dataSync())
      const losses = new Float32Array(labels.length)
      const gradient = new Float32Array(logits.size)
      softmaxCrossEntropy(logits.dataSync<'float32'>(), labels, losses, gradient)
      set(operation.output, tf.tensor1d(losses))
      return set(operation.outputGradient, tf.tensor(gradient, logits.shape))
    }
    case 'dropoutMask': {
      const { rate, stream, output } = operation
      const units = Number(output.shape[1])
      const mask = new Float32Array(context.batch * units)
      const [step = 0] = get(operation.step).dataSync()
      fillDropoutMask(mask, units, { rate, key: philoxKey(context.seed, stream), step })
      return set(output, tf.tensor2d(mask, [context.batch, units]))
    }
    case 'lookUp': {
      const { labels, table, output } = operation
      return set(output, tf.tensor1d(Array.from(get(labels).dataSync(), label => table[label] ?? Number.NaN)))
    }
    case 'reshape': {
      const shape = operation.output.shape.map(size => (size === 'batch' ? context.batch : size))
      return set(operation.output, tf.reshape(get(operation.x), shape))
    }
    default:
      set(operation.output, compute(operation, get))
  }
}

type Computed = Exclude<
  ComputeOperation,
  { kind: 'softmaxCrossEntropy' | 'dropoutMask' | 'lookUp' | 'reshape' }
>

function compute(operation: Computed, get: KernelContext['get']): tf.Tensor {
  switch (operation.kind) {
    case 'constant':
      return tf.scalar(operation.value)
    case 'matMul': {
      // Only products without transposition take the fast path of the wasm backend.
      const a = operation.transposeA ? tf.transpose(get(operation.a)) : get(operation.a)
      const b = operation.transposeB ? tf.transpose(get(operation.b)) : get(operation.b)
      return tf.matMul(a, b)
    }
    case 'sumExamples':
      return tf.sum(get(operation.x), 0)
    case 'sumUnits':
      return tf.sum(get(operation.x), 1, true)
    case 'sumAll':
      return tf.sum(get(operation.x))
    case 'total': // all examples of a step are at hand
      return get(operation.x)
    case 'oneHot':
      return tf.cast(tf.oneHot(get(operation.labels) as tf.Tensor1D, operation.depth), 'float32')
    case 'takeUnits': {
      const { x, from, output } = operation
      return tf.slice(get(x), [0, from], [-1, unitsOf(output)])
    }
    case 'joinUnits':
      return tf.concat(operation.parts.map(get), 1)
    case 'castLabels':
      return tf.reshape(tf.cast(get(operation.labels), 'float32'), [-1, 1])
    default:
      return 'x' in operation
        ? UNARY[operation.kind](get(operation.x))
        : BINARY[operation.kind](get(operation.a), get(operation.b))
  }
}

const UNARY: Record<UnaryKind, (x: tf.Tensor) => tf.Tensor> = {
  relu: tf.relu,
  elu: tf.elu,
  selu: tf.selu,
  sigmoid: tf.sigmoid,
  tanh: tf.tanh,
  softmax: x => tf.softmax(x),
  softplus: tf.softplus,
  erf: tf.erf,
  exp: tf.exp,
  log: tf.log,
  sqrt: tf.sqrt,
  square: tf.square,
  abs: tf.abs,
  sign: tf.sign,
}

const BINARY: Record<BinaryKind, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor> = {
  add: tf.add,
  subtract: tf.sub,
  multiply: tf.mul,
  divide: tf.div,
  power: tf.pow,
  maximum: tf.maximum,
  minimum: tf.minimum,
  reluGradient: (gradient, y) => tf.mul(gradient, tf.step(y)),
  eluGradient: (gradient, y) => tf.mul(gradient, tf.minimum(tf.add(y, 1), 1)), // y + 1 is above 1 where y > 0
  seluGradient: (gradient, y) =>
    tf.mul(gradient, tf.where(tf.greater(y, 0), SELU.scale, tf.add(y, SELU.scale * SELU.alpha))),
  sigmoidGradient: (gradient, y) => tf.mul(gradient, tf.mul(y, tf.sub(1, y))),
  tanhGradient: (gradient, y) => tf.mul(gradient, tf.sub(1, tf.square(y))),
}
