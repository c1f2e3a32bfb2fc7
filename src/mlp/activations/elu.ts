import type { Activation } from './activation.ts'

/**
 * f(z) = z where z > 0, else eᶻ − 1; f′(z) = 1 where y > 0, else y + 1 (Keras's default α = 1).
 * @see Clevert, Unterthiner & Hochreiter (2016), "Fast and accurate deep network learning by ELUs", eq. 15
 */
export const elu: Activation = {
  forward: (graph, z) => graph.unary('elu', z),
  backward: (graph, gradient, { y }) => graph.binary('eluGradient', gradient, y),
}
