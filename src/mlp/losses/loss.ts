import type { Type } from 'typebox'
import type { ActivationName } from '../activations/registry.ts'
import type { Graph } from '../graph.ts'
import type { Value } from '../operations.ts'
import type { Task } from '../task.ts'

/** What the network gave for a batch, and what it should have given. */
export interface LossInput {
  /** The last layer before its activation, `[batch, units]`. */
  logits: Value
  /** The last layer, `[batch, units]`. */
  predictions: Value
  /** The class of each example, `[batch] int32`, or what each unit should give, `[batch, units]`; by the task. */
  labels: Value
}

/** A loss that has been written. */
export interface WrittenLoss {
  /** Of each example, `[batch]`. */
  losses: Value
  /** Writes the gradient of each example's loss, `[batch, units]`, not yet divided by the batch. */
  gradient(): Value
}

/**
 * How far predictions are from the truth.
 * @typeParam Schema - the loss in a request, an object with its options
 * @typeParam Spec - the loss with its defaults filled in
 */
export interface Loss<Schema extends Type.TObject, Spec> {
  schema: Schema
  resolve(request: Type.Static<Schema>): Spec
  /**
   * The activations of the last layer that it goes with. `onLogits`: only these, and its gradient is `∂L/∂logits`,
   * which is simpler and exact where the probability is 0 or 1. Otherwise null: any, and `∂L/∂predictions`.
   */
  onLogits: ActivationName | null
  /** What can be learnt with it. */
  tasks: readonly Task[]
  /** Whether one sigmoid or linear unit may stand for two classes. */
  allowsOneUnit: boolean
  write(graph: Graph, spec: Spec, input: LossInput): WrittenLoss
}
