import { Type } from 'typebox'
import { LearningRateSchema } from './learning-rate.ts'
import { declareSlot, type Optimizer } from './optimizer.ts'

/** Stochastic gradient descent as a request gives it. */
export const SgdSchema = Type.Object(
  {
    type: Type.Literal('sgd'),
    learningRate: Type.Optional(LearningRateSchema),
    momentum: Type.Optional(Type.Number({ minimum: 0, exclusiveMaximum: 1 })),
    nesterov: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false, title: 'SGD' },
)

/** Stochastic gradient descent with its defaults filled in. */
export type Sgd = Required<Type.Static<typeof SgdSchema>>

/** @see keras/src/optimizers/sgd.py for the defaults */
export function resolveSgd(spec: Type.Static<typeof SgdSchema>): Sgd {
  return {
    type: 'sgd',
    learningRate: spec.learningRate ?? 0.01,
    momentum: spec.momentum ?? 0,
    nesterov: spec.nesterov ?? false,
  }
}

/**
 * w ← w − η g; with momentum μ: v ← μ v − η g, w ← w + v; with Nesterov's: w ← w + μ v − η g.
 * @see Sutskever et al. (2013), "On the importance of initialization and momentum in deep learning", eq. 1–4
 */
export const sgd: Optimizer<Sgd> = {
  update(graph, { momentum, nesterov }, gradients, { value: learningRate }) {
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
