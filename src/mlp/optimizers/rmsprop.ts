import { Type } from 'typebox'
import { type CommonOptions, commonProperties, DecayRate, Epsilon, resolveCommon } from './common-options.ts'
import { declareSlot, type Optimizer } from './optimizer.ts'

const Schema = Type.Object(
  {
    type: Type.Literal('rmsprop'),
    ...commonProperties,
    rho: Type.Optional(DecayRate),
    momentum: Type.Optional(DecayRate),
    epsilon: Type.Optional(Epsilon),
  },
  { additionalProperties: false, title: 'RMSprop' },
)

/** RMSprop with its defaults filled in. */
export interface Rmsprop extends CommonOptions {
  type: 'rmsprop'
  rho: number
  momentum: number
  epsilon: number
}

/**
 * s ← ρ s + (1 − ρ) g², d ← μ d + η g / √(s + ε), w ← w − d.
 * @see Tieleman & Hinton (2012), "Lecture 6.5: rmsprop"; ε inside the root as in Keras and TensorFlow
 * @see keras/src/optimizers/rmsprop.py for the defaults
 */
export const rmsprop: Optimizer<typeof Schema, Rmsprop> = {
  schema: Schema,
  resolve: request => ({
    type: 'rmsprop',
    ...resolveCommon(request, { learningRate: 0.001 }),
    rho: request.rho ?? 0.9,
    momentum: request.momentum ?? 0,
    epsilon: request.epsilon ?? 1e-7,
  }),
  update(graph, { rho, momentum: momentumRate, epsilon }, gradients, learningRate) {
    for (const { variable, gradient } of gradients) {
      const meanSquare = declareSlot(graph, variable, 'rmsprop_mean_square')
      const momentum = declareSlot(graph, variable, 'rmsprop_momentum')
      const update = { variable: variable.value, gradient, learningRate }
      graph.emit({ kind: 'applyRmsprop', ...update, meanSquare, momentum, rho, momentumRate, epsilon })
    }
  },
}
