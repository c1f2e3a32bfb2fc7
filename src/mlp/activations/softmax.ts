import type { Activation } from './activation.ts'

/**
 * fᵢ(z) = e^zᵢ / Σⱼ e^zⱼ. Its Jacobian ∂yᵢ/∂zⱼ = yᵢ (δᵢⱼ − yⱼ) takes a gradient g to y ⊙ (g − Σⱼ gⱼ yⱼ).
 * @see Bridle (1990), "Probabilistic interpretation of feedforward classification network outputs"
 */
export const softmax: Activation = {
  forward: (graph, z) => graph.unary('softmax', z),
  backward(graph, gradient, { y }) {
    const projection = graph.sumUnits(graph.multiply(gradient, y)) // [batch, 1]
    return graph.multiply(graph.subtract(gradient, projection), y)
  },
}
