import type { Activation } from './activation.ts'

/** f(z) = z, f′(z) = 1. */
export const linear: Activation = {
  forward: (_graph, z) => z,
  backward: (_graph, gradient) => gradient,
}
