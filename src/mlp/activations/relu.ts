import type { Activation } from './activation.ts'

/**
 * f(z) = max(0, z); f′(z) = 1 where f(z) > 0, else 0 (0 at z = 0, as TensorFlow's ReluGrad).
 * @see Nair & Hinton (2010), "Rectified linear units improve restricted Boltzmann machines"
 */
export const relu: Activation = {
  forward: (graph, z) => graph.unary('relu', z),
  backward: (graph, gradient, { y }) => graph.binary('reluGradient', gradient, y),
}
