import type { Graph } from './graph.ts'
import type { Value } from './operations.ts'

/** What is done to every feature before the first layer: x · scale + offset. */
export interface InputScaling {
  scale: number
  offset: number
}

/** Writes `[batch, features]` to `[batch, features]` as the first layer wants it. */
export function scaleInput(graph: Graph, { scale, offset }: InputScaling, features: Value): Value {
  return graph.shift(graph.scale(features, scale), offset)
}
