import type { Type } from 'typebox'
import type { Graph, Variable } from '../graph.ts'
import type { Value } from '../operations.ts'

/**
 * A rule that moves variables against their gradients.
 * @typeParam Schema - the optimizer in a request
 * @typeParam Spec - the optimizer with its defaults filled in
 */
export interface Optimizer<Schema extends Type.TObject, Spec> {
  schema: Schema
  /** Fills in Keras's defaults. */
  resolve(request: Type.Static<Schema>): Spec
  /** Writes the update of every variable; its own state becomes slot variables. */
  update(graph: Graph, spec: Spec, gradients: readonly VariableGradient[], learningRate: Value): void
}

/** A variable and `∂L/∂variable`, of the same shape. */
export interface VariableGradient {
  variable: Variable
  gradient: Value
}

/** A slot variable of the shape of `variable`. */
export function declareSlot(graph: Graph, variable: Variable, name: string, first = 0): Value {
  const size = variable.shape.reduce((product, dimension) => product * dimension, 1)
  const slot = graph.variable({
    name: `${variable.name}/${name}`,
    role: 'slot',
    shape: variable.shape,
    initialize: () => new Float32Array(size).fill(first),
  })
  return slot.value
}
