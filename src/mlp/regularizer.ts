import { Type } from 'typebox'
import type { Graph, Regularizer, Variable } from './graph.ts'
import type { Value } from './operations.ts'

const Factor = Type.Number({ minimum: 0, maximum: 1e6 })

/** A penalty on the size of weights, in a request. */
export const RegularizerSchema = Type.Object(
  { l1: Type.Optional(Factor), l2: Type.Optional(Factor) },
  {
    additionalProperties: false,
    minProperties: 1,
    description: 'Adds l1 · Σ |w| + l2 · Σ w² to the loss.',
  },
)

/** Fills in zeros. */
export function resolveRegularizer(spec: Type.Static<typeof RegularizerSchema>): Regularizer {
  return { l1: spec.l1 ?? 0, l2: spec.l2 ?? 0 }
}

/**
 * The penalty of all weights, a scalar: Σ l₁ Σ |w| + l₂ Σ w²; null when nothing is penalised.
 * @see keras/src/regularizers/regularizers.py, L1L2: it is added to the loss of every example, also in validation
 */
export function writePenalty(graph: Graph, variables: readonly Variable[]): Value | null {
  const terms = variables.flatMap(({ value, regularizer: { l1, l2 } = { l1: 0, l2: 0 } }) => [
    ...(l1 > 0 ? [graph.scale(graph.sumAll(graph.unary('abs', value)), l1)] : []),
    ...(l2 > 0 ? [graph.scale(graph.sumAll(graph.unary('square', value)), l2)] : []),
  ])
  const [first, ...others] = terms
  return first ? others.reduce((sum, term) => graph.add(sum, term), first) : null
}

/** Adds ∂penalty/∂w = l₁ sign w + 2 l₂ w to the gradient of a weight. */
export function writePenaltyGradient(graph: Graph, { value, regularizer }: Variable, gradient: Value): Value {
  if (!regularizer) return gradient
  const { l1, l2 } = regularizer
  const withL1 = l1 > 0 ? graph.add(gradient, graph.scale(graph.unary('sign', value), l1)) : gradient
  return l2 > 0 ? graph.add(withL1, graph.scale(value, 2 * l2)) : withL1
}
