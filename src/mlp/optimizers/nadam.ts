import { Type } from 'typebox'
import { type CommonOptions, commonProperties, DecayRate, Epsilon, resolveCommon } from './common-options.ts'
import { declareSlot, type Optimizer } from './optimizer.ts'

const Schema = Type.Object(
  {
    type: Type.Literal('nadam'),
    ...commonProperties,
    beta1: Type.Optional(DecayRate),
    beta2: Type.Optional(DecayRate),
    epsilon: Type.Optional(Epsilon),
  },
  { additionalProperties: false, title: 'Nadam' },
)

/** Nadam with its defaults filled in. */
export interface Nadam extends CommonOptions {
  type: 'nadam'
  beta1: number
  beta2: number
  epsilon: number
}

/**
 * Adam with Nesterov's look ahead, for the schedule μₜ = β₁ (1 − 0.96ᵗ / 2) and Πₜ = μ₁ … μₜ:
 * m̂ = μₜ₊₁ m / (1 − Πₜ₊₁) + (1 − μₜ) g / (1 − Πₜ), v̂ = v / (1 − β₂ᵗ), w ← w − η m̂ / (√v̂ + ε).
 * @see Dozat (2016), "Incorporating Nesterov momentum into Adam", algorithm 2
 * @see keras/src/optimizers/nadam.py for the schedule and the defaults
 */
export const nadam: Optimizer<typeof Schema, Nadam> = {
  schema: Schema,
  resolve: request => ({
    type: 'nadam',
    ...resolveCommon(request, { learningRate: 0.001 }),
    beta1: request.beta1 ?? 0.9,
    beta2: request.beta2 ?? 0.999,
    epsilon: request.epsilon ?? 1e-7,
  }),
  update(graph, { beta1, beta2, epsilon }, gradients, learningRate) {
    const momentum = (step: number) => beta1 * (1 - 0.5 * 0.96 ** step)
    const product = runningProduct(momentum)
    const scalar = (name: string, at: (step: number) => number) => graph.scalar(name, at).value
    const ofMoment = scalar('momentFactor', t => momentum(t + 1) / (1 - product(t + 1)))
    const ofGradient = scalar('gradientFactor', t => (1 - momentum(t)) / (1 - product(t)))
    const correction = scalar('varianceCorrection', t => 1 / (1 - beta2 ** t))
    for (const { variable, gradient } of gradients) {
      const m = declareSlot(graph, variable, 'nadam_m')
      const v = declareSlot(graph, variable, 'nadam_v')
      const decay = (slot: typeof m, rate: number, now: typeof m) =>
        graph.add(graph.scale(slot, rate), graph.scale(now, 1 - rate))
      const first = decay(m, beta1, gradient)
      const second = decay(v, beta2, graph.unary('square', gradient))
      graph.assign(m, first)
      graph.assign(v, second)
      const ahead = graph.add(graph.multiply(first, ofMoment), graph.multiply(gradient, ofGradient))
      const root = graph.shift(graph.unary('sqrt', graph.multiply(second, correction)), epsilon)
      const move = graph.multiply(graph.divide(ahead, root), learningRate)
      graph.assign(variable.value, graph.subtract(variable.value, move))
    }
  },
}

/** factor(1) · … · factor(n), remembering what was computed: steps are asked for one after the other. */
function runningProduct(factor: (step: number) => number): (steps: number) => number {
  const products = [1]
  return steps => {
    for (let step = products.length; step <= steps; step++) {
      const last = products[step - 1] ?? 0
      products.push(last * factor(step))
    }
    return products[steps] ?? 0
  }
}
