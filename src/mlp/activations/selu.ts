import type { Activation } from './activation.ts'

/** λ and α of the paper, as TensorFlow's kernel has them. @see tensorflow/core/kernels/relu_op_functor.h, Selu */
export const SELU = { scale: 1.0507009873554805, alpha: 1.6732632423543772 } as const

/**
 * f(z) = λ z where z > 0, else λ α (eᶻ − 1); f′(z) = λ where y > 0, else y + λ α.
 * @see Klambauer et al. (2017), "Self-normalizing neural networks", eq. 2
 */
export const selu: Activation = {
  forward: (graph, z) => graph.unary('selu', z),
  backward: (graph, gradient, { y }) => graph.binary('seluGradient', gradient, y),
}
