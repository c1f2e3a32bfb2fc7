import type { Activation } from './activation.ts'

/**
 * f(z) = log(1 + eᶻ); f′(z) = σ(z).
 * @see Dugas et al. (2000), "Incorporating second-order functional knowledge for better option pricing"
 */
export const softplus: Activation = {
  forward: (graph, z) => graph.unary('softplus', z),
  backward: (graph, gradient, { z }) => graph.multiply(gradient, graph.unary('sigmoid', z)),
}
