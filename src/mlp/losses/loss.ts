import type { ActivationName } from '../activations/registry.ts'
import type { Graph } from '../graph.ts'
import type { Value } from '../operations.ts'

/** What the network gave for a batch, and what it should have given. */
export interface LossInput {
  /** The last layer before its activation, `[batch, units]`. */
  logits: Value
  /** The last layer, `[batch, units]`. */
  predictions: Value
  /** The class of each example, `[batch] int32`. */
  labels: Value
}

/** How far predictions are from the truth. */
export interface Loss {
  /**
   * The activations of the last layer that it goes with. `onLogits`: only these, and its gradient is `∂L/∂logits`,
   * which is simpler and exact where the probability is 0 or 1. Otherwise null: any, and `∂L/∂predictions`.
   */
  onLogits: ActivationName | null
  /** Writes the loss of each example, `[batch]`. */
  forward(graph: Graph, input: LossInput): Value
  /** Writes the loss of each example and its gradient, `[batch, units]`, not yet divided by the batch. */
  forwardAndBackward(graph: Graph, input: LossInput): { losses: Value; gradient: Value }
}
