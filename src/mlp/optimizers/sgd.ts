import { Type } from 'typebox'
import { type CommonOptions, commonProperties, DecayRate, resolveCommon } from './common-options.ts'
import { declareSlot, type Optimizer } from './optimizer.ts'

const Schema = Type.Object(
  {
    type: Type.Literal('sgd'),
    ...commonProperties,
    momentum: Type.Optional(DecayRate),
    nesterov: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false, title: 'SGD' },
)

/** Stochastic gradient descent with its defaults filled in. */
export interface Sgd extends CommonOptions {
  type: 'sgd'
  momentum: number
  nesterov: boolean
}

/**
 * w ← w − η g; with momentum μ: v ← μ v − η g, w ← w + v; with Nesterov's: w ← w + μ v − η g.
 * @see Sutskever et al. (2013), "On the importance of initialization and momentum in deep learning", eq. 1–4
 * @see keras/src/optimizers/sgd.py for the defaults
 */
export const sgd: Optimizer<typeof Schema, Sgd> = {
  schema: Schema,
  resolve: request => ({
    type: 'sgd',
    ...resolveCommon(request, { learningRate: 0.01 }),
    momentum: request.momentum ?? 0,
    nesterov: request.nesterov ?? false,
  }),
  update(graph, { momentum, nesterov }, gradients, learningRate) {
    for (const { variable, gradient } of gradients) {
      const update = { variable: variable.value, gradient, learningRate }
      if (momentum === 0) graph.emit({ kind: 'applyGradientDescent', ...update })
      else {
        const velocity = declareSlot(graph, variable, 'sgd_velocity')
        graph.emit({ kind: 'applyMomentum', ...update, velocity, momentum, nesterov })
      }
    }
  },
}
