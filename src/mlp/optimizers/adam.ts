import { Type } from 'typebox'
import { LearningRateSchema } from './learning-rate.ts'
import { declareSlot, type Optimizer } from './optimizer.ts'

const Beta = Type.Number({ minimum: 0, exclusiveMaximum: 1 })

/** Adam as a request gives it. */
export const AdamSchema = Type.Object(
  {
    type: Type.Literal('adam'),
    learningRate: Type.Optional(LearningRateSchema),
    beta1: Type.Optional(Beta),
    beta2: Type.Optional(Beta),
    epsilon: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
  },
  { additionalProperties: false, title: 'Adam' },
)

/** Adam with its defaults filled in. */
export type Adam = Required<Type.Static<typeof AdamSchema>>

/** @see keras/src/optimizers/adam.py for the defaults */
export function resolveAdam(spec: Type.Static<typeof AdamSchema>): Adam {
  return {
    type: 'adam',
    learningRate: spec.learningRate ?? 0.001,
    beta1: spec.beta1 ?? 0.9,
    beta2: spec.beta2 ?? 0.999,
    epsilon: spec.epsilon ?? 1e-7,
  }
}

/**
 * m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε).
 * @see Kingma & Ba (2015), "Adam", the form before section 2.1: ε stands outside the bias correction, as in
 *   TensorFlow and Keras ("epsilon hat")
 */
export const adam: Optimizer<Adam> = {
  update(graph, { beta1, beta2, epsilon }, gradients, { value: learningRate }) {
    const beta1Power = graph.scalar('beta1Power', step => beta1 ** step).value
    const beta2Power = graph.scalar('beta2Power', step => beta2 ** step).value
    for (const { variable, gradient } of gradients) {
      const [m, v] = [declareSlot(graph, variable, 'adam_m'), declareSlot(graph, variable, 'adam_v')]
      const update = { variable: variable.value, gradient, learningRate }
      graph.emit({ kind: 'applyAdam', ...update, m, v, beta1Power, beta2Power, beta1, beta2, epsilon })
    }
  },
}
