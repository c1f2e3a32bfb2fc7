import { Type } from 'typebox'
import { type CommonOptions, commonProperties, DecayRate, resolveCommon } from './common-options.ts'
import { declareSlot, type Optimizer } from './optimizer.ts'

const Schema = Type.Object(
  {
    type: Type.Literal('lion'),
    ...commonProperties,
    beta1: Type.Optional(DecayRate),
    beta2: Type.Optional(DecayRate),
  },
  { additionalProperties: false, title: 'Lion' },
)

/** Lion with its defaults filled in. */
export interface Lion extends CommonOptions {
  type: 'lion'
  beta1: number
  beta2: number
}

/**
 * w ← w − η sign(β₁ m + (1 − β₁) g), m ← β₂ m + (1 − β₂) g.
 * @see Chen et al. (2023), "Symbolic discovery of optimization algorithms", algorithm 2
 * @see keras/src/optimizers/lion.py for the defaults
 */
export const lion: Optimizer<typeof Schema, Lion> = {
  schema: Schema,
  resolve: request => ({
    type: 'lion',
    ...resolveCommon(request, { learningRate: 0.001 }),
    beta1: request.beta1 ?? 0.9,
    beta2: request.beta2 ?? 0.99,
  }),
  update(graph, { beta1, beta2 }, gradients, learningRate) {
    for (const { variable, gradient } of gradients) {
      const m = declareSlot(graph, variable, 'lion_m')
      const mix = (rate: number) => graph.add(graph.scale(m, rate), graph.scale(gradient, 1 - rate))
      const move = graph.multiply(graph.unary('sign', mix(beta1)), learningRate)
      graph.assign(variable.value, graph.subtract(variable.value, move))
      graph.assign(m, mix(beta2))
    }
  },
}
