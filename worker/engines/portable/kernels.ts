import * as tf from '@tensorflow/tfjs-core'
import { softmaxCrossEntropy } from '../../../src/mlp/interpreter.ts'
import type { Operation, Value } from '../../../src/mlp/operations.ts'
import { isUpdate } from '../../../src/mlp/updates.ts'

/** Gives the tensor of a value, or takes it. */
export interface Tensors {
  get(value: Value): tf.Tensor
  set(value: Value, tensor: tf.Tensor): void
}

/** Runs one operation that makes a value. The caller's `tidy` owns the tensors. */
export function runKernel(operation: Operation, tensors: Tensors): void {
  if (isUpdate(operation)) throw new Error(`${operation.kind} changes a variable, it makes no value`)
  const { get } = tensors
  if (operation.kind === 'softmaxCrossEntropy') {
    const logits = get(operation.logits)
    const losses = new Float32Array(logits.shape[0] ?? 0)
    const gradient = new Float32Array(logits.size)
    softmaxCrossEntropy(
      logits.dataSync<'float32'>(),
      Float32Array.from(get(operation.labels).dataSync()),
      losses,
      gradient,
    )
    tensors.set(operation.output, tf.tensor1d(losses))
    tensors.set(operation.gradient, tf.tensor(gradient, logits.shape))
    return
  }
  tensors.set(operation.output, compute(operation, get))
}

type Computed = Exclude<Operation, { learningRate: Value } | { kind: 'softmaxCrossEntropy' }>

function compute(operation: Computed, get: Tensors['get']): tf.Tensor {
  switch (operation.kind) {
    case 'constant':
      return tf.scalar(operation.value)
    case 'matMul': {
      // Only products without transposition take the fast path of the wasm backend.
      const a = operation.transposeA ? tf.transpose(get(operation.a)) : get(operation.a)
      const b = operation.transposeB ? tf.transpose(get(operation.b)) : get(operation.b)
      return tf.matMul(a, b)
    }
    case 'addBias':
      return tf.add(get(operation.x), get(operation.bias))
    case 'sumExamples':
      return tf.sum(get(operation.x), 0)
    case 'sumUnits':
      return tf.sum(get(operation.x), 1, true)
    case 'flatten':
      return tf.reshape(get(operation.x), [-1])
    case 'oneHot':
      return tf.cast(tf.oneHot(get(operation.labels) as tf.Tensor1D, operation.depth), 'float32')
    case 'castLabels':
      return tf.reshape(tf.cast(get(operation.labels), 'float32'), [-1, 1])
    case 'relu':
      return tf.relu(get(operation.x))
    case 'sigmoid':
      return tf.sigmoid(get(operation.x))
    case 'tanh':
      return tf.tanh(get(operation.x))
    case 'softmax':
      return tf.softmax(get(operation.x))
    case 'softplus':
      return tf.softplus(get(operation.x))
    case 'abs':
      return tf.abs(get(operation.x))
    case 'square':
      return tf.square(get(operation.x))
    case 'add':
      return tf.add(get(operation.a), get(operation.b))
    case 'subtract':
      return tf.sub(get(operation.a), get(operation.b))
    case 'multiply':
      return tf.mul(get(operation.a), get(operation.b))
    case 'divide':
      return tf.div(get(operation.a), get(operation.b))
    case 'reluGradient':
      return tf.mul(get(operation.a), tf.step(get(operation.b)))
    case 'sigmoidGradient': {
      const y = get(operation.b)
      return tf.mul(get(operation.a), tf.mul(y, tf.sub(1, y)))
    }
    case 'tanhGradient':
      return tf.mul(get(operation.a), tf.sub(1, tf.square(get(operation.b))))
  }
}
