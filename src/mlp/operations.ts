/** A dimension of a tensor: a number, or the number of examples that a step works on. */
export type Dimension = number | 'batch'

/** A tensor of a program, named by its id; executors decide where it lives. */
export interface Value {
  readonly id: number
  readonly shape: readonly Dimension[]
  readonly dtype: 'float32' | 'int32'
}

/** Functions of each element alone, but for `softmax`, which works along the last axis. */
export type UnaryKind = 'relu' | 'sigmoid' | 'tanh' | 'softmax' | 'softplus' | 'abs' | 'square'

/**
 * Functions of two tensors, element by element. The second may be a scalar `[]` or a column `[batch, 1]`, which is
 * repeated. The `…Gradient` kinds take `(∂L/∂y, y)` to `∂L/∂x` for `y = f(x)`.
 */
export type BinaryKind =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'reluGradient'
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

/** A gradient's way into one variable; `slots` are the optimizer's own tensors of the variable's shape. */
interface Update {
  readonly variable: Value
  readonly gradient: Value
  readonly learningRate: Value
}

/**
 * One primitive operation. The set is small on purpose: an executor implements these and nothing else, and
 * layers, activations, losses and optimizers are written in them once.
 */
export type Operation =
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
  /** `[batch, units] + [units]`, the bias repeated for each example. */
  | { readonly kind: 'addBias'; readonly x: Value; readonly bias: Value; readonly output: Value }
  /** `[batch, units]` to `[units]`: the sum over the examples. */
  | { readonly kind: 'sumExamples'; readonly x: Value; readonly output: Value }
  /** `[batch, units]` to `[batch, 1]`: the sum over the units. */
  | { readonly kind: 'sumUnits'; readonly x: Value; readonly output: Value }
  /** `[batch, 1]` to `[batch]`, the same numbers. */
  | { readonly kind: 'flatten'; readonly x: Value; readonly output: Value }
  /** `[batch] int32` to `[batch, depth] float32`, 1 at the label and 0 elsewhere. */
  | { readonly kind: 'oneHot'; readonly labels: Value; readonly depth: number; readonly output: Value }
  /** `[batch] int32` to `[batch, 1] float32`, the same numbers. */
  | { readonly kind: 'castLabels'; readonly labels: Value; readonly output: Value }
  /** `−log softmax(logits)[label]` per example, and its gradient with respect to the logits. */
  | {
      readonly kind: 'softmaxCrossEntropy'
      readonly logits: Value
      readonly labels: Value
      readonly output: Value
      readonly gradient: Value
    }
  | ({ readonly kind: 'applyGradientDescent' } & Update)
  | ({
      readonly kind: 'applyMomentum'
      readonly velocity: Value
      readonly momentum: number
      readonly nesterov: boolean
    } & Update)
  | ({
      readonly kind: 'applyAdam'
      readonly m: Value
      readonly v: Value
      readonly beta1Power: Value
      readonly beta2Power: Value
      readonly beta1: number
      readonly beta2: number
      readonly epsilon: number
    } & Update)
  | ({
      readonly kind: 'applyRmsprop'
      readonly meanSquare: Value
      readonly momentum: Value
      readonly rho: number
      readonly momentumRate: number
      readonly epsilon: number
    } & Update)
