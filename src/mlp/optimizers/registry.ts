import type { Type } from 'typebox'
import { discriminatedUnion } from '../discriminated-union.ts'
import type { Graph } from '../graph.ts'
import type { Value } from '../operations.ts'
import { type Adagrad, adagrad } from './adagrad.ts'
import { type Adam, type AdamW, adam, adamW } from './adam.ts'
import { clipGradients, decayWeights } from './common-options.ts'
import { type Lion, lion } from './lion.ts'
import { type Nadam, nadam } from './nadam.ts'
import type { Optimizer, VariableGradient } from './optimizer.ts'
import { type Rmsprop, rmsprop } from './rmsprop.ts'
import { type Sgd, sgd } from './sgd.ts'

/** Every optimizer, by the type that requests use. */
export const OPTIMIZERS = { sgd, adam, adamW, nadam, rmsprop, adagrad, lion } as const

/** An optimizer in a request; what is left out gets Keras's default. */
export const OptimizerSchema = discriminatedUnion(
  [sgd.schema, adam.schema, adamW.schema, nadam.schema, rmsprop.schema, adagrad.schema, lion.schema],
  { description: 'How the weights follow the gradients. Default: adam.' },
)

/** An optimizer with its defaults filled in. */
export type OptimizerSpec = Sgd | Adam | AdamW | Nadam | Rmsprop | Adagrad | Lion

/** Fills in the defaults. */
export function resolveOptimizer(request: Type.Static<typeof OptimizerSchema>): OptimizerSpec {
  return optimizerOf(request.type).resolve(request)
}

/** Writes a whole step: gradients are clipped, weights decay, then the optimizer moves them, in Keras's order. */
export function writeUpdates(
  graph: Graph,
  spec: OptimizerSpec,
  gradients: readonly VariableGradient[],
  learningRate: Value,
): void {
  const clipped = clipGradients(graph, spec, gradients)
  decayWeights(graph, spec, gradients, learningRate)
  optimizerOf(spec.type).update(graph, spec, clipped, learningRate)
}

/** The types of a registry's entry and its spec belong together. */
function optimizerOf(type: OptimizerSpec['type']): Optimizer<Type.TObject, OptimizerSpec> {
  return OPTIMIZERS[type] as unknown as Optimizer<Type.TObject, OptimizerSpec>
}
