import type { Activation } from './activation.ts'

/**
 * f(z) = tanh z; f′(z) = 1 − y² with y = f(z).
 * @see LeCun et al. (1998), "Efficient BackProp", section 4.4
 */
export const tanh: Activation = {
  forward: (graph, z) => graph.unary('tanh', z),
  backward: (graph, gradient, { y }) => graph.binary('tanhGradient', gradient, y),
}
