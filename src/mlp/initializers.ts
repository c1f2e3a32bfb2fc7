import { Type } from 'typebox'
import type { Random } from './random.ts'

/** Ways to draw a kernel of shape `[fanIn, fanOut]`, by Keras's names in camelCase. */
export const InitializerSchema = Type.Enum(
  ['glorotUniform', 'glorotNormal', 'heUniform', 'heNormal'] as const,
  {
    description: 'How the kernel is drawn at first. Glorot suits sigmoid, tanh and softmax, He suits relu.',
  },
)

/** The name of an initialiser. */
export type InitializerName = Type.Static<typeof InitializerSchema>

interface Initializer {
  /** The variance of a weight. */
  variance(fanIn: number, fanOut: number): number
  distribution: 'uniform' | 'truncatedNormal'
}

/**
 * Variances that keep the size of signals and gradients from layer to layer.
 * @see Glorot & Bengio (2010), eq. 12 and 16: Var = 2 / (fanIn + fanOut)
 * @see He et al. (2015), eq. 10: Var = 2 / fanIn
 * @see keras/src/initializers/random_initializers.py, VarianceScaling
 */
const INITIALIZERS: Record<InitializerName, Initializer> = {
  glorotUniform: { variance: (fanIn, fanOut) => 2 / (fanIn + fanOut), distribution: 'uniform' },
  glorotNormal: { variance: (fanIn, fanOut) => 2 / (fanIn + fanOut), distribution: 'truncatedNormal' },
  heUniform: { variance: fanIn => 2 / fanIn, distribution: 'uniform' },
  heNormal: { variance: fanIn => 2 / fanIn, distribution: 'truncatedNormal' },
}

/** The standard deviation of a standard normal cut off at ±2, as Keras divides by it. */
const TRUNCATED_DEVIATION = 0.8796256610342398

/**
 * Draws a kernel.
 * @returns `[fanIn, fanOut]` float32, row by row
 */
export function initializeKernel(
  name: InitializerName,
  random: Random,
  fanIn: number,
  fanOut: number,
): Float32Array {
  const { variance, distribution } = INITIALIZERS[name]
  const deviation = Math.sqrt(variance(fanIn, fanOut))
  // A uniform distribution over ±limit has variance limit² / 3.
  const limit = Math.sqrt(3) * deviation
  const draw =
    distribution === 'uniform'
      ? () => (2 * random.uniform() - 1) * limit
      : () => truncatedNormal(random) * (deviation / TRUNCATED_DEVIATION)
  return Float32Array.from({ length: fanIn * fanOut }, draw)
}

/** A standard normal, drawn again while it lies outside ±2. */
function truncatedNormal(random: Random): number {
  for (;;) {
    const value = random.normal()
    if (Math.abs(value) <= 2) return value
  }
}
