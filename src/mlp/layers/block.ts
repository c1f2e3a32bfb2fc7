import type { Graph, Variable } from '../graph.ts'
import type { Value } from '../operations.ts'

/** A differentiable part of a network: an affine map, an activation. A layer of a request is one or more of them. */
export interface Block {
  /** Writes `y = f(x)`, `[batch, units]` both, and gives the way back. */
  forward(graph: Graph, x: Value): { output: Value; backward: Backward }
}

/**
 * Writes the gradients of a block from `∂L/∂y`.
 * @param wantsInput - false for the first block, whose `∂L/∂x` nobody needs
 */
export type Backward = (gradient: Value, wantsInput: boolean) => Gradients

/** What a block hands back: `∂L/∂x`, and `∂L/∂w` of each of its variables. */
export interface Gradients {
  input: Value | null
  variables: readonly { variable: Variable; gradient: Value }[]
}
