import type { Graph } from '../graph.ts'
import type { Value } from '../operations.ts'
import type { Activation } from './activation.ts'

/**
 * f(z) = z Φ(z) with Φ the normal distribution's cumulative function, exact as is Keras's default, not the tanh
 * approximation; f′(z) = Φ(z) + z φ(z) with φ(z) = e^(−z²/2) / √(2π).
 * @see Hendrycks & Gimpel (2016), "Gaussian error linear units"
 */
export const gelu: Activation = {
  forward: (graph, z) => graph.multiply(z, cumulative(graph, z)),
  backward(graph, gradient, { z }) {
    const bell = graph.unary('exp', graph.scale(graph.unary('square', z), -1 / 2))
    const density = graph.scale(bell, 1 / Math.sqrt(2 * Math.PI))
    return graph.multiply(gradient, graph.add(cumulative(graph, z), graph.multiply(z, density)))
  },
}

/** Φ(z) = (1 + erf(z / √2)) / 2. */
function cumulative(graph: Graph, z: Value): Value {
  return graph.scale(graph.shift(graph.unary('erf', graph.scale(z, Math.SQRT1_2)), 1), 1 / 2)
}
