import { Type } from 'typebox'
import { type CommonOptions, commonProperties, Epsilon, resolveCommon } from './common-options.ts'
import { declareSlot, type Optimizer } from './optimizer.ts'

const Schema = Type.Object(
  {
    type: Type.Literal('adagrad'),
    ...commonProperties,
    initialAccumulatorValue: Type.Optional(Type.Number({ minimum: 0, maximum: 1e6 })),
    epsilon: Type.Optional(Epsilon),
  },
  { additionalProperties: false, title: 'Adagrad' },
)

/** Adagrad with its defaults filled in. */
export interface Adagrad extends CommonOptions {
  type: 'adagrad'
  initialAccumulatorValue: number
  epsilon: number
}

/**
 * a ← a + g², w ← w − η g / √(a + ε), a at first 0.1.
 * @see Duchi, Hazan & Singer (2011), "Adaptive subgradient methods", eq. 1; ε inside the root as in Keras
 * @see keras/src/optimizers/adagrad.py for the defaults
 */
export const adagrad: Optimizer<typeof Schema, Adagrad> = {
  schema: Schema,
  resolve: request => ({
    type: 'adagrad',
    ...resolveCommon(request, { learningRate: 0.001 }),
    initialAccumulatorValue: request.initialAccumulatorValue ?? 0.1,
    epsilon: request.epsilon ?? 1e-7,
  }),
  update(graph, { initialAccumulatorValue, epsilon }, gradients, learningRate) {
    for (const { variable, gradient } of gradients) {
      const accumulator = declareSlot(graph, variable, 'adagrad_accumulator', initialAccumulatorValue)
      const sum = graph.add(accumulator, graph.unary('square', gradient))
      graph.assign(accumulator, sum)
      const root = graph.unary('sqrt', graph.shift(sum, epsilon))
      const move = graph.divide(graph.multiply(gradient, learningRate), root)
      graph.assign(variable.value, graph.subtract(variable.value, move))
    }
  },
}
