import { AssertionError } from 'node:assert'
import type { BinaryKind, Dimension, Operation, UnaryKind, Value } from './operations.ts'
import type { Random } from './random.ts'

/** A penalty on the size of a weight: l1 · Σ |w| + l2 · Σ w². */
export interface Regularizer {
  l1: number
  l2: number
}

/** A tensor that lives as long as the training. */
export interface Variable {
  /** Unique in its program: `dense_1/kernel`, `dense_1/kernel/adam_m`. */
  readonly name: string
  /**
   * A `weight` is trained, a `frozen` one stays as it is, a `statistic` is part of the model but follows the data, a
   * `slot` is the optimizer's.
   */
  readonly role: 'weight' | 'frozen' | 'statistic' | 'slot'
  readonly value: Value
  readonly shape: readonly number[]
  /** The penalty on a weight's size. */
  readonly regularizer?: Regularizer
  /** The first contents, drawn from a stream of their own. */
  initialize(random: Random): Float32Array
}

/** Whether a variable is part of the model, and not only of its training. */
export function isModelVariable({ role }: Variable): boolean {
  return role !== 'slot'
}

/** A number that the executor hands in at every step. */
export interface StepScalar {
  readonly name: string
  readonly value: Value
  /** @param step - 1 for the first step of the training */
  at(step: number): number
}

/**
 * Where a program is written down: it makes values, variables and scalars, and collects the operations that the
 * layers, losses and optimizers emit. Ids are unique over all lists of one graph.
 */
export class Graph {
  readonly variables: Variable[] = []
  readonly scalars: StepScalar[] = []
  #operations: Operation[] = []
  #values = 0

  /** How many values there are: ids are 0 … `valueCount` − 1. */
  get valueCount(): number {
    return this.#values
  }

  /** The operations that `emit` wrote, in order. */
  collect<T>(emit: () => T): { operations: readonly Operation[]; result: T } {
    const outer = this.#operations
    this.#operations = []
    try {
      const result = emit()
      return { operations: this.#operations, result }
    } finally {
      this.#operations = outer
    }
  }

  value(shape: readonly Dimension[], dtype: Value['dtype'] = 'float32'): Value {
    return { id: this.#values++, shape, dtype }
  }

  variable(declaration: Omit<Variable, 'value'>): Variable {
    const variable = { ...declaration, value: this.value(declaration.shape) }
    this.variables.push(variable)
    return variable
  }

  scalar(name: string, at: StepScalar['at']): StepScalar {
    const scalar = { name, value: this.value([]), at }
    this.scalars.push(scalar)
    return scalar
  }

  emit(operation: Operation): void {
    this.#operations.push(operation)
  }

  unary(kind: UnaryKind, x: Value): Value {
    const output = this.value(x.shape)
    this.emit({ kind, x, output })
    return output
  }

  binary(kind: BinaryKind, a: Value, b: Value): Value {
    const output = this.value(a.shape)
    this.emit({ kind, a, b, output })
    return output
  }

  constant(value: number): Value {
    const output = this.value([])
    this.emit({ kind: 'constant', value, output })
    return output
  }

  /** `x · factor`. */
  scale(x: Value, factor: number): Value {
    return factor === 1 ? x : this.binary('multiply', x, this.constant(factor))
  }

  /** `x + offset`. */
  shift(x: Value, offset: number): Value {
    return offset === 0 ? x : this.binary('add', x, this.constant(offset))
  }

  add(a: Value, b: Value): Value {
    return this.binary('add', a, b)
  }

  subtract(a: Value, b: Value): Value {
    return this.binary('subtract', a, b)
  }

  multiply(a: Value, b: Value): Value {
    return this.binary('multiply', a, b)
  }

  divide(a: Value, b: Value): Value {
    return this.binary('divide', a, b)
  }

  matMul(a: Value, b: Value, transpose: { a?: boolean; b?: boolean } = {}): Value {
    const { a: transposeA = false, b: transposeB = false } = transpose
    const rows = a.shape[transposeA ? 1 : 0]
    const columns = b.shape[transposeB ? 0 : 1]
    if (rows === undefined || columns === undefined) {
      throw new AssertionError({ message: 'matMul needs two matrices' })
    }
    const output = this.value([rows, columns])
    this.emit({ kind: 'matMul', a, b, transposeA, transposeB, output })
    return output
  }

  sumExamples(x: Value): Value {
    return this.#reduce('sumExamples', x, x.shape.slice(1))
  }

  sumUnits(x: Value): Value {
    return this.#reduce('sumUnits', x, ['batch', 1])
  }

  sumAll(x: Value): Value {
    return this.#reduce('sumAll', x, [])
  }

  total(x: Value): Value {
    return this.#reduce('total', x, x.shape)
  }

  reshape(x: Value, shape: readonly Dimension[]): Value {
    return this.#reduce('reshape', x, shape)
  }

  /** `[batch, units]` to `[batch, 1]`: the mean over the units. */
  meanUnits(x: Value): Value {
    return this.scale(this.sumUnits(x), 1 / unitsOf(x))
  }

  /** `[batch, units]` to `[batch]`: the mean over the units, as losses are. */
  meanLoss(x: Value): Value {
    return this.reshape(this.meanUnits(x), ['batch'])
  }

  /** `−log softmax(logits)[label]` per example, `[batch]`, and its gradient, `[batch, units]`. */
  softmaxCrossEntropy(logits: Value, labels: Value): { losses: Value; gradient: Value } {
    const losses = this.value(['batch'])
    const gradient = this.value(logits.shape)
    this.emit({ kind: 'softmaxCrossEntropy', logits, labels, output: losses, outputGradient: gradient })
    return { losses, gradient }
  }

  assign(variable: Value, x: Value): void {
    this.emit({ kind: 'assign', variable, x })
  }

  /**
   * Labels as the numbers that a network with `units` outputs should give. Classes become 0 or 1 for one unit, else
   * one-hot; numbers are these already.
   */
  targets(labels: Value, units: number): Value {
    if (labels.dtype === 'float32') return labels
    const output = this.value(['batch', units])
    this.emit(
      units === 1 ? { kind: 'castLabels', labels, output } : { kind: 'oneHot', labels, depth: units, output },
    )
    return output
  }

  #reduce(
    kind: 'sumExamples' | 'sumUnits' | 'sumAll' | 'total' | 'reshape',
    x: Value,
    shape: readonly Dimension[],
  ): Value {
    const output = this.value(shape)
    this.emit({ kind, x, output })
    return output
  }
}

/** The number of units of a `[batch, units]` value. */
export function unitsOf(value: Value): number {
  const units = value.shape[1]
  if (typeof units !== 'number')
    throw new AssertionError({ message: 'expected a value of shape [batch, units]' })
  return units
}
