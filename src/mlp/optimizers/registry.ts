import type { Type } from 'typebox'
import { discriminatedUnion } from '../discriminated-union.ts'
import type { Graph, StepScalar } from '../graph.ts'
import { type Adam, AdamSchema, adam, resolveAdam } from './adam.ts'
import type { VariableGradient } from './optimizer.ts'
import { type Rmsprop, RmspropSchema, resolveRmsprop, rmsprop } from './rmsprop.ts'
import { resolveSgd, type Sgd, SgdSchema, sgd } from './sgd.ts'

/** An optimizer in a request; what is left out gets Keras's default. */
export const OptimizerSchema = discriminatedUnion([AdamSchema, SgdSchema, RmspropSchema], {
  description: 'How the weights follow the gradients. Default: adam.',
})

/** An optimizer with its defaults filled in. */
export type OptimizerSpec = Adam | Sgd | Rmsprop

/** Fills in the defaults. */
export function resolveOptimizer(spec: Type.Static<typeof OptimizerSchema>): OptimizerSpec {
  switch (spec.type) {
    case 'adam':
      return resolveAdam(spec)
    case 'sgd':
      return resolveSgd(spec)
    case 'rmsprop':
      return resolveRmsprop(spec)
  }
}

/** Writes the updates of all variables. */
export function emitUpdates(
  graph: Graph,
  spec: OptimizerSpec,
  gradients: readonly VariableGradient[],
  learningRate: StepScalar,
): void {
  switch (spec.type) {
    case 'adam':
      return adam.update(graph, spec, gradients, learningRate)
    case 'sgd':
      return sgd.update(graph, spec, gradients, learningRate)
    case 'rmsprop':
      return rmsprop.update(graph, spec, gradients, learningRate)
  }
}
