import type { Activation } from './activation.ts'

/**
 * f(z) = z σ(z); f′(z) = σ(z) + y (1 − σ(z)) with y = f(z).
 * @see Elfwing, Uchibe & Doya (2018), "Sigmoid-weighted linear units", eq. 2 and 3
 */
export const silu: Activation = {
  forward: (graph, z) => graph.multiply(z, graph.unary('sigmoid', z)),
  backward(graph, gradient, { z, y }) {
    const sigmoid = graph.unary('sigmoid', z)
    const rest = graph.subtract(y, graph.multiply(y, sigmoid))
    return graph.multiply(gradient, graph.add(sigmoid, rest))
  },
}
