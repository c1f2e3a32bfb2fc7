import type { Graph, StepScalar, Variable } from '../graph.ts'
import type { Value } from '../operations.ts'

/** A rule that moves variables against their gradients. */
export interface Optimizer<Spec> {
  /** Writes the update of every variable; its own state becomes slot variables. */
  update(graph: Graph, spec: Spec, gradients: readonly VariableGradient[], learningRate: StepScalar): void
}

/** A variable and `∂L/∂variable`, of the same shape. */
export interface VariableGradient {
  variable: Variable
  gradient: Value
}

/** A slot variable of the shape of `variable`, at first zero. */
export function declareSlot(graph: Graph, variable: Variable, name: string): Value {
  const size = variable.shape.reduce((product, dimension) => product * dimension, 1)
  const slot = graph.variable({
    name: `${variable.name}/${name}`,
    role: 'slot',
    shape: variable.shape,
    initialize: () => new Float32Array(size),
  })
  return slot.value
}
