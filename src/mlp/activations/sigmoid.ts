import type { Activation } from './activation.ts'

/**
 * f(z) = 1 / (1 + e⁻ᶻ); f′(z) = y (1 − y) with y = f(z).
 * @see Rumelhart, Hinton & Williams (1986), "Learning representations by back-propagating errors", eq. 2 and 6
 */
export const sigmoid: Activation = {
  forward: (graph, z) => graph.unary('sigmoid', z),
  backward: (graph, gradient, { y }) => graph.binary('sigmoidGradient', gradient, y),
}
