import { AssertionError } from 'node:assert'
import { SELU } from './activations/selu.ts'
import { copyColumns } from './copy-columns.ts'
import { erf } from './erf.ts'
import { unitsOf } from './graph.ts'
import {
  type BinaryKind,
  type ComputeOperation,
  isUpdate,
  type Operation,
  type UnaryKind,
  type Value,
} from './operations.ts'
import { fillDropoutMask, philoxKey } from './philox.ts'
import { applyUpdate, at, type FloatArray } from './updates.ts'

/** Tensors by value id. Labels are kept as floats: class numbers are exact in them. */
export interface Interpreter {
  /** Gives a value its numbers, row by row; they are used as they are, not copied. */
  set(value: Value, data: FloatArray): void
  /** Says where a value is to be written from now on: an array for as many examples as there will be at once. */
  place(value: Value, buffer: FloatArray): void
  /** The numbers of a value; good until the next `run`. */
  get(value: Value): FloatArray
  /** Runs operations in order on `batch` examples. */
  run(operations: readonly Operation[], batch: number): void
}

/**
 * Runs programs on plain typed arrays: the plainest executor, which the others are tested against, and for a
 * single example also the fastest, for it has no overhead per operation. With `Float64Array` its gradients can be
 * checked against finite differences.
 * @param seed - of the random numbers of dropout
 */
export function createInterpreter(
  valueCount: number,
  FloatArrayType: Float32ArrayConstructor | Float64ArrayConstructor,
  seed = 0,
): Interpreter {
  const arrays: (FloatArray | undefined)[] = new Array(valueCount)
  const buffers: (FloatArray | undefined)[] = new Array(valueCount)
  const made: (FloatArray | undefined)[] = new Array(valueCount) // what `make` gave last, to be given again

  const get = (value: Value): FloatArray => {
    const array = arrays[value.id]
    if (array === undefined)
      throw new AssertionError({ message: `value ${value.id} is read before it is made` })
    return array
  }
  const make = (value: Value, batch: number): FloatArray => {
    const length = value.shape.reduce<number>((size, dim) => size * (dim === 'batch' ? batch : dim), 1)
    let buffer = buffers[value.id]
    if (buffer === undefined || buffer.length < length) {
      buffer = new FloatArrayType(length)
      buffers[value.id] = buffer
      made[value.id] = buffer
    }
    let array = made[value.id]
    if (array?.length !== length) array = buffer.length === length ? buffer : buffer.subarray(0, length)
    made[value.id] = array
    arrays[value.id] = array
    return array
  }
  return {
    get,
    set: (value, data) => {
      arrays[value.id] = data
    },
    place: (value, buffer) => {
      buffers[value.id] = buffer
      made[value.id] = buffer
    },
    run(operations, batch) {
      for (const operation of operations) {
        if (isUpdate(operation)) applyUpdate(operation, get)
        else compute(operation, get, value => make(value, batch), seed)
      }
    },
  }
}

type Read = (value: Value) => FloatArray

function compute(operation: ComputeOperation, get: Read, make: Read, seed: number): void {
  switch (operation.kind) {
    case 'constant':
      make(operation.output)[0] = operation.value
      return
    case 'matMul':
      return matMul(operation, get(operation.a), get(operation.b), make(operation.output))
    case 'sumExamples': {
      const x = get(operation.x)
      const y = make(operation.output).fill(0)
      for (let i = 0; i < x.length; i++) y[i % y.length] = at(y, i % y.length) + at(x, i)
      return
    }
    case 'sumUnits': {
      const x = get(operation.x)
      const y = make(operation.output).fill(0)
      const units = x.length / y.length
      for (let i = 0; i < x.length; i++) y[Math.floor(i / units)] = at(y, Math.floor(i / units)) + at(x, i)
      return
    }
    case 'sumAll': {
      let sum = 0
      for (const x of get(operation.x)) sum += x
      make(operation.output)[0] = sum
      return
    }
    case 'total': // all examples of a step are at hand
    case 'reshape':
      make(operation.output).set(get(operation.x))
      return
    case 'takeUnits': {
      const { x, from, output } = operation
      return copyColumns(
        { numbers: get(x), width: unitsOf(x), at: from },
        { numbers: make(output), width: unitsOf(output), at: 0 },
      )
    }
    case 'joinUnits': {
      const target = { numbers: make(operation.output), width: unitsOf(operation.output), at: 0 }
      for (const part of operation.parts) {
        copyColumns({ numbers: get(part), width: unitsOf(part), at: 0 }, target)
        target.at += unitsOf(part)
      }
      return
    }
    case 'castLabels':
      make(operation.output).set(get(operation.labels))
      return
    case 'lookUp': {
      const y = make(operation.output)
      get(operation.labels).forEach((label, example) => {
        y[example] = operation.table[label] ?? Number.NaN
      })
      return
    }
    case 'oneHot': {
      const y = make(operation.output).fill(0)
      get(operation.labels).forEach((label, example) => {
        y[example * operation.depth + label] = 1
      })
      return
    }
    case 'dropoutMask': {
      const { rate, stream, step, output } = operation
      const key = philoxKey(seed, stream)
      return fillDropoutMask(make(output), Number(output.shape[1]), { rate, key, step: at(get(step), 0) })
    }
    case 'softmaxCrossEntropy':
      return softmaxCrossEntropy(
        get(operation.logits),
        get(operation.labels),
        make(operation.output),
        make(operation.outputGradient),
      )
    case 'softmax': {
      const x = get(operation.x)
      const y = make(operation.output)
      const units = Number(operation.x.shape[1])
      for (let from = 0; from < x.length; from += units) softmaxRow(x, y, from, units)
      return
    }
    default:
      if ('x' in operation) mapElements(UNARY[operation.kind], get(operation.x), make(operation.output))
      else mapPairs(operation, get(operation.a), get(operation.b), make(operation.output))
  }
}

function mapElements(f: (x: number) => number, x: FloatArray, y: FloatArray): void {
  for (let i = 0; i < y.length; i++) y[i] = f(at(x, i))
}

/** The second array is repeated: a row for each example, a column for each unit, a scalar for all. */
function mapPairs(
  { kind, a: left, b: right }: Extract<ComputeOperation, { kind: BinaryKind }>,
  a: FloatArray,
  b: FloatArray,
  y: FloatArray,
): void {
  const f = BINARY[kind]
  if (right.shape.length < left.shape.length && right.shape.length === 1) {
    for (let i = 0; i < y.length; i++) y[i] = f(at(a, i), at(b, i % b.length))
  } else {
    const repeat = a.length / b.length
    for (let i = 0; i < y.length; i++) y[i] = f(at(a, i), at(b, Math.floor(i / repeat)))
  }
}

const UNARY: Record<Exclude<UnaryKind, 'softmax'>, (x: number) => number> = {
  relu: x => Math.max(x, 0), // NaN stays NaN
  elu: x => (x > 0 ? x : Math.expm1(x)),
  selu: x => SELU.scale * (x > 0 ? x : SELU.alpha * Math.expm1(x)),
  sigmoid: x => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  softplus: x => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  erf,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  square: x => x * x,
  abs: Math.abs,
  sign: Math.sign,
}

const BINARY: Record<BinaryKind, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  power: Math.pow,
  maximum: Math.max,
  minimum: Math.min,
  reluGradient: (gradient, y) => (y > 0 ? gradient : 0),
  eluGradient: (gradient, y) => (y > 0 ? gradient : gradient * (y + 1)),
  seluGradient: (gradient, y) => gradient * (y > 0 ? SELU.scale : y + SELU.scale * SELU.alpha),
  sigmoidGradient: (gradient, y) => gradient * y * (1 - y),
  tanhGradient: (gradient, y) => gradient * (1 - y * y),
}

/** Rows of the product are sums of rows of b, so that the inner loop walks memory in order. */
function matMul(
  operation: Extract<Operation, { kind: 'matMul' }>,
  a: FloatArray,
  b: FloatArray,
  y: FloatArray,
): void {
  const { transposeA, transposeB } = operation
  const columns = Number(operation.output.shape[1])
  const rows = y.length / columns
  const inner = a.length / rows
  y.fill(0)
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < inner; k++) {
      const factor = at(a, transposeA ? k * rows + row : row * inner + k)
      if (factor === 0) continue
      const from = row * columns
      if (transposeB) {
        for (let column = 0; column < columns; column++) {
          y[from + column] = at(y, from + column) + factor * at(b, column * inner + k)
        }
      } else {
        const bFrom = k * columns
        for (let column = 0; column < columns; column++) {
          y[from + column] = at(y, from + column) + factor * at(b, bFrom + column)
        }
      }
    }
  }
}

/** Writes softmax(x) of the row that starts at `from`, and gives log Σ eˣ of it. */
function softmaxRow(x: FloatArray, y: FloatArray, from: number, units: number): number {
  let max = Number.NEGATIVE_INFINITY
  for (let i = from; i < from + units; i++) max = Math.max(max, at(x, i))
  let sum = 0
  for (let i = from; i < from + units; i++) {
    const exponential = Math.exp(at(x, i) - max)
    y[i] = exponential
    sum += exponential
  }
  for (let i = from; i < from + units; i++) y[i] = at(y, i) / sum
  return max + Math.log(sum)
}

/**
 * Softmax with cross-entropy on rows of logits. Formula: losses/categorical-crossentropy.ts.
 * @param losses - `[batch]`, written
 * @param gradient - `[batch, units]`, written: softmax(logits) − one-hot label
 */
export function softmaxCrossEntropy(
  logits: FloatArray,
  labels: FloatArray,
  losses: FloatArray,
  gradient: FloatArray,
): void {
  const units = logits.length / labels.length
  for (let example = 0; example < labels.length; example++) {
    const from = example * units
    const label = from + at(labels, example)
    losses[example] = softmaxRow(logits, gradient, from, units) - at(logits, label)
    gradient[label] = at(gradient, label) - 1
  }
}
