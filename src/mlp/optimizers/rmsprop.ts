import { Type } from 'typebox'
import { LearningRateSchema } from './learning-rate.ts'
import { declareSlot, type Optimizer } from './optimizer.ts'

/** RMSprop as a request gives it. */
export const RmspropSchema = Type.Object(
  {
    type: Type.Literal('rmsprop'),
    learningRate: Type.Optional(LearningRateSchema),
    rho: Type.Optional(Type.Number({ minimum: 0, exclusiveMaximum: 1 })),
    momentum: Type.Optional(Type.Number({ minimum: 0, exclusiveMaximum: 1 })),
    epsilon: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
  },
  { additionalProperties: false, title: 'RMSprop' },
)

/** RMSprop with its defaults filled in. */
export type Rmsprop = Required<Type.Static<typeof RmspropSchema>>

/** @see keras/src/optimizers/rmsprop.py for the defaults */
export function resolveRmsprop(spec: Type.Static<typeof RmspropSchema>): Rmsprop {
  return {
    type: 'rmsprop',
    learningRate: spec.learningRate ?? 0.001,
    rho: spec.rho ?? 0.9,
    momentum: spec.momentum ?? 0,
    epsilon: spec.epsilon ?? 1e-7,
  }
}

/**
 * s ← ρ s + (1 − ρ) g², d ← μ d + η g / √(s + ε), w ← w − d.
 * @see Tieleman & Hinton (2012), "Lecture 6.5: rmsprop"; ε inside the root as in Keras and TensorFlow
 */
export const rmsprop: Optimizer<Rmsprop> = {
  update(graph, { rho, momentum: momentumRate, epsilon }, gradients, { value: learningRate }) {
    for (const { variable, gradient } of gradients) {
      const meanSquare = declareSlot(graph, variable, 'rmsprop_mean_square')
      const momentum = declareSlot(graph, variable, 'rmsprop_momentum')
      const update = { variable: variable.value, gradient, learningRate }
      graph.emit({ kind: 'applyRmsprop', ...update, meanSquare, momentum, rho, momentumRate, epsilon })
    }
  },
}
