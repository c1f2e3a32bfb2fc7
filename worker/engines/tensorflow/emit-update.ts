import type { UpdateOperation } from '../../../src/mlp/operations.ts'
import type { NameOf } from './emit-operation.ts'
import { attr, type GraphDef } from './graph-def.ts'

const FLOAT = attr.type('DT_FLOAT')

/**
 * Writes the change of a variable by TensorFlow's fused kernels, which compute what `applyUpdate` does.
 * @param name - handles of variables and slots, values of all else
 * @param after - nodes that must have run: all that read the old value, and its last change
 * @returns the node that does it
 */
export function emitUpdate(
  graph: GraphDef,
  operation: UpdateOperation,
  name: NameOf,
  after: readonly string[],
): string {
  const controls = after.map(node => `^${node}`)
  if (operation.kind === 'assign') {
    const inputs = [name(operation.variable), name(operation.x), ...controls]
    return graph.node('AssignVariableOp', inputs, { dtype: FLOAT })
  }
  const write = (op: string, inputs: readonly string[], more = {}) =>
    graph.node(op, [...inputs, ...controls], { T: FLOAT, use_locking: attr.bool(false), ...more })
  const { variable, gradient, learningRate } = operation
  const [w, g, rate] = [name(variable), name(gradient), name(learningRate)]
  switch (operation.kind) {
    case 'applyGradientDescent':
      return write('ResourceApplyGradientDescent', [w, rate, g])
    case 'applyMomentum': {
      const inputs = [w, name(operation.velocity), rate, g, graph.float(operation.momentum)]
      return write('ResourceApplyKerasMomentum', inputs, { use_nesterov: attr.bool(operation.nesterov) })
    }
    case 'applyAdam': {
      const { m, v, beta1Power, beta2Power, beta1, beta2, epsilon } = operation
      const constants = [beta1, beta2, epsilon].map(value => graph.float(value))
      const inputs = [w, name(m), name(v), name(beta1Power), name(beta2Power), rate, ...constants, g]
      return write('ResourceApplyAdam', inputs, { use_nesterov: attr.bool(false) })
    }
    case 'applyRmsprop': {
      const { meanSquare, momentum, rho, momentumRate, epsilon } = operation
      const constants = [rho, momentumRate, epsilon].map(value => graph.float(value))
      return write('ResourceApplyRMSProp', [w, name(meanSquare), name(momentum), rate, ...constants, g])
    }
  }
}
