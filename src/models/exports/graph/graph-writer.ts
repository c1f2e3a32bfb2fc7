/** A tensor of a graph that is being written, by its name there. */
export type Tensor = string

/** What a graph is fed with. Texts are the names of categories. */
export type InputType = 'uint8' | 'float32' | 'float64' | 'text'

/** Functions of each element alone. */
export type UnaryKind = 'floor' | 'abs' | 'sign' | 'log' | 'sin' | 'cos'

/** Functions of two tensors, element by element; the second, or both, are repeated where they are smaller. */
export type BinaryKind = 'add' | 'subtract' | 'multiply' | 'divide' | 'minimum' | 'maximum'

/**
 * Where what stands around a network is written down, once for every format that is a graph. Numbers are computed
 * in the graph's working precision up to `toFloat32`: float64 where the runtime has it, as the encoder does.
 * The first dimension of tensors is the batch.
 */
export interface GraphWriter {
  /** @param shape - of an example */
  input(name: string, type: InputType, shape: readonly number[]): Tensor
  /** Takes bytes and numbers to the working precision. */
  toWorking(x: Tensor, type: InputType): Tensor
  toFloat32(x: Tensor): Tensor
  /** Numbers in the working precision. */
  numbers(values: readonly number[], shape: readonly number[]): Tensor
  /** Texts, `[1, count]`. */
  texts(values: readonly string[]): Tensor
  unary(kind: UnaryKind, x: Tensor): Tensor
  binary(kind: BinaryKind, a: Tensor, b: Tensor): Tensor
  /** 1 where the number is NaN, else 0. */
  isMissing(x: Tensor): Tensor
  /** 1 where two numbers are equal, else 0. */
  isEqual(a: Tensor, b: Tensor): Tensor
  /** 1 where two texts are equal, else 0. */
  isSameText(a: Tensor, b: Tensor): Tensor
  /** The number, or `fill` where it is NaN. */
  fillMissing(x: Tensor, fill: number): Tensor
  /** `[batch, units]` to `[batch, 1]`. */
  sumUnits(x: Tensor): Tensor
  /** Over the last two dimensions; those before are repeated. */
  matMul(a: Tensor, b: Tensor): Tensor
  /** @param shape - of an example */
  reshape(x: Tensor, shape: readonly number[]): Tensor
  /** `[batch, …]` each, side by side. */
  concat(parts: readonly Tensor[]): Tensor
}

/** `x · factor + summand`, each left out where it does nothing. */
export function scaleAndShift(graph: GraphWriter, x: Tensor, factor: number, summand: number): Tensor {
  const scaled = factor === 1 ? x : graph.binary('multiply', x, graph.numbers([factor], []))
  return summand === 0 ? scaled : graph.binary('add', scaled, graph.numbers([summand], []))
}
