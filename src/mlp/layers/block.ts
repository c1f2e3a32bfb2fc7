import type { Graph, Variable } from '../graph.ts'
import type { Value } from '../operations.ts'

/** What a network is run for: dropout and batch normalisation differ. */
export type Mode = 'training' | 'inference'

/** A differentiable part of a network: an affine map, an activation. A layer of a request is one or more of them. */
export interface Block {
  /** Whether it has weights that are trained. */
  readonly isTrained: boolean
  /** Writes `y = f(x)`, `[batch, units]` both, and gives the way back. */
  forward(graph: Graph, x: Value, mode: Mode, step: StepInputs): BlockStep
}

/** What a training step tells besides the examples. */
export interface StepInputs {
  /** The number of examples of the whole step, `[]`. */
  exampleCount: Value
  /** The number of the step, `[]` int32; 1 for the first. */
  step: Value
}

/** A block that has been run forward. */
export interface BlockStep {
  output: Value
  backward: Backward
  /** New values of the block's statistics, to be assigned after the step. */
  statistics?: readonly { variable: Variable; x: Value }[]
}

/**
 * Writes the gradients of a block from `∂L/∂y`.
 * @param wantsInput - false where no block before is trained, so that nobody needs `∂L/∂x`
 */
export type Backward = (gradient: Value, wantsInput: boolean) => Gradients

/** What a block hands back: `∂L/∂x`, and of each of its trained variables `∂L/∂w` over the examples at hand. */
export interface Gradients {
  input: Value | null
  variables: readonly { variable: Variable; gradient: Value }[]
}
