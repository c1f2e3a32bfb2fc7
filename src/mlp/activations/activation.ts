import type { Graph } from '../graph.ts'
import type { Value } from '../operations.ts'

/** A function `y = f(z)` between a layer's affine part and its output, and the way back through it. */
export interface Activation {
  forward(graph: Graph, z: Value): Value
  /** `∂L/∂z` from `∂L/∂y`, `z` and `y = f(z)`. */
  backward(graph: Graph, gradient: Value, at: { z: Value; y: Value }): Value
}
