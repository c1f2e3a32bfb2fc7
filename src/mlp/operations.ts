/** A dimension of a tensor: a number, or the number of examples that a step works on. */
export type Dimension = number | 'batch'

/** A tensor of a program, named by its id; executors decide where it lives. */
export interface Value {
  readonly id: number
  readonly shape: readonly Dimension[]
  readonly dtype: 'float32' | 'int32'
}

/** Functions of each element alone, but for `softmax`, which works along the last axis. */
export type UnaryKind =
  | 'relu'
  | 'elu'
  | 'selu'
  | 'sigmoid'
  | 'tanh'
  | 'softmax'
  | 'softplus'
  | 'erf'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'square'
  | 'abs'
  | 'sign'

/**
 * Functions of two tensors, element by element. The second may be smaller and is repeated then: a scalar `[]`, a
 * column `[batch, 1]` or a row `[units]`. The `…Gradient` kinds take `(∂L/∂y, y)` to `∂L/∂x` for `y = f(x)`.
 */
export type BinaryKind =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'power'
  | 'maximum'
  | 'minimum'
  | 'reluGradient'
  | 'eluGradient'
  | 'seluGradient'
  | 'sigmoidGradient'
  | 'tanhGradient'

interface Unary<Kind extends UnaryKind> {
  readonly kind: Kind
  readonly x: Value
  readonly output: Value
}

interface Binary<Kind extends BinaryKind> {
  readonly kind: Kind
  readonly a: Value
  readonly b: Value
  readonly output: Value
}

/** A gradient's way into one variable by an optimizer whose step is one kernel of TensorFlow. */
interface FusedUpdate {
  readonly variable: Value
  readonly gradient: Value
  readonly learningRate: Value
}

/** An operation that changes a variable in place; other tensors in it are the optimizer's slots, changed too. */
export type UpdateOperation =
  /** `variable ← x`. */
  | { readonly kind: 'assign'; readonly variable: Value; readonly x: Value }
  | ({ readonly kind: 'applyGradientDescent' } & FusedUpdate)
  | ({
      readonly kind: 'applyMomentum'
      readonly velocity: Value
      readonly momentum: number
      readonly nesterov: boolean
    } & FusedUpdate)
  | ({
      readonly kind: 'applyAdam'
      readonly m: Value
      readonly v: Value
      readonly beta1Power: Value
      readonly beta2Power: Value
      readonly beta1: number
      readonly beta2: number
      readonly epsilon: number
    } & FusedUpdate)
  | ({
      readonly kind: 'applyRmsprop'
      readonly meanSquare: Value
      readonly momentum: Value
      readonly rho: number
      readonly momentumRate: number
      readonly epsilon: number
    } & FusedUpdate)

/** An operation that makes a value. Fields whose names begin with `output` are made, other values are read. */
export type ComputeOperation =
  | { readonly [Kind in UnaryKind]: Unary<Kind> }[UnaryKind]
  | { readonly [Kind in BinaryKind]: Binary<Kind> }[BinaryKind]
  /** A number, as a tensor of shape `[]`. */
  | { readonly kind: 'constant'; readonly value: number; readonly output: Value }
  /** `op(a) · op(b)`, where `op` transposes or does nothing. */
  | {
      readonly kind: 'matMul'
      readonly a: Value
      readonly b: Value
      readonly transposeA: boolean
      readonly transposeB: boolean
      readonly output: Value
    }
  /** `[batch, units]` to `[units]`: the sum over the examples at hand. */
  | { readonly kind: 'sumExamples'; readonly x: Value; readonly output: Value }
  /** `[batch, units]` to `[batch, 1]`: the sum over the units. */
  | { readonly kind: 'sumUnits'; readonly x: Value; readonly output: Value }
  /** Any shape to `[]`: the sum of all elements. */
  | { readonly kind: 'sumAll'; readonly x: Value; readonly output: Value }
  /** The sum over all parts that the examples of a step are split into; the value itself where they are not. */
  | { readonly kind: 'total'; readonly x: Value; readonly output: Value }
  /** Units `from` … of each example or row: `[n, units]` to `[n, fewer]`. */
  | { readonly kind: 'takeUnits'; readonly x: Value; readonly from: number; readonly output: Value }
  /** Units side by side: `[n, u₁]`, `[n, u₂]`, … to `[n, u₁ + u₂ + …]`. */
  | { readonly kind: 'joinUnits'; readonly parts: readonly Value[]; readonly output: Value }
  /** The same numbers in another shape. */
  | { readonly kind: 'reshape'; readonly x: Value; readonly output: Value }
  /** `[batch] int32` to `[batch, depth] float32`, 1 at the label and 0 elsewhere. */
  | { readonly kind: 'oneHot'; readonly labels: Value; readonly depth: number; readonly output: Value }
  /** `[batch] int32` to `[batch, 1] float32`, the same numbers. */
  | { readonly kind: 'castLabels'; readonly labels: Value; readonly output: Value }
  /** `[batch] int32` to `[batch] float32`: `table[label]`. */
  | {
      readonly kind: 'lookUp'
      readonly labels: Value
      readonly table: readonly number[]
      readonly output: Value
    }
  /** `−log softmax(logits)[label]` per example, and its gradient with respect to the logits. */
  | {
      readonly kind: 'softmaxCrossEntropy'
      readonly logits: Value
      readonly labels: Value
      readonly output: Value
      readonly outputGradient: Value
    }
  /** `[batch, units]`: 0 with probability `rate`, else 1 / (1 − rate). See `philox.ts`. */
  | {
      readonly kind: 'dropoutMask'
      readonly rate: number
      /** Names the stream of random numbers; together with the seed and the step it decides them. */
      readonly stream: string
      readonly step: Value
      readonly output: Value
    }

/**
 * One primitive operation. The set is small on purpose: an executor implements these and nothing else, and
 * layers, activations, losses and optimizers are written in them once.
 */
export type Operation = ComputeOperation | UpdateOperation

/** Whether an operation changes variables in place rather than making a value. */
export function isUpdate(operation: Operation): operation is UpdateOperation {
  return 'variable' in operation
}

/** The values that an operation reads; of an update also the ones that it changes. */
export function operandsOf(operation: Operation): Value[] {
  if (operation.kind === 'joinUnits') return [...operation.parts]
  return Object.entries(operation).flatMap(([name, field]) =>
    typeof field === 'object' && 'id' in field && !name.startsWith('output') ? [field as Value] : [],
  )
}
