import type { Activation } from './activation.ts'

/** The slope below zero. @see keras/src/activations/activations.py, leaky_relu */
const SLOPE = 0.2

/**
 * f(z) = z where z > 0, else 0.2 z, written 0.2 z + 0.8 max(0, z); f′(z) = 1 or 0.2.
 * @see Maas, Hannun & Ng (2013), "Rectifier nonlinearities improve neural network acoustic models"
 */
export const leakyRelu: Activation = {
  forward: (graph, z) => graph.add(graph.scale(z, SLOPE), graph.scale(graph.unary('relu', z), 1 - SLOPE)),
  backward: (graph, gradient, { y }) =>
    graph.add(
      graph.scale(gradient, SLOPE),
      graph.scale(graph.binary('reluGradient', gradient, y), 1 - SLOPE), // y has the sign of z
    ),
}
