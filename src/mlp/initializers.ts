import { Type } from 'typebox'
import { nameOr } from './discriminated-union.ts'
import type { Random } from './random.ts'

/** Initialisers that draw at random or fill, by Keras's names in camelCase. */
const NAMES = [
  'glorotUniform',
  'glorotNormal',
  'heUniform',
  'heNormal',
  'lecunUniform',
  'lecunNormal',
  'orthogonal',
  'zeros',
  'ones',
] as const

const ConstantSchema = Type.Object(
  { type: Type.Literal('constant'), value: Type.Number({ minimum: -1e6, maximum: 1e6 }) },
  { additionalProperties: false },
)

/** Ways to fill a kernel of shape `[fanIn, fanOut]` or a bias `[units]`. */
export const InitializerSchema = nameOr(NAMES, ConstantSchema, {
  description:
    'How the numbers are drawn at first: a name, or `{ "type": "constant", "value": 0.1 }`. Glorot suits sigmoid, ' +
    'tanh and softmax, He relu, LeCun selu.',
})

/** An initialiser: its name, or a constant. */
export type Initializer = Type.Static<typeof InitializerSchema>

/** The name of an initialiser that is not a constant. */
export type InitializerName = (typeof NAMES)[number]

interface VarianceScaling {
  /** The variance of a weight. */
  variance(fanIn: number, fanOut: number): number
  distribution: 'uniform' | 'truncatedNormal'
}

const glorot = (fanIn: number, fanOut: number) => 2 / (fanIn + fanOut)
const he = (fanIn: number) => 2 / fanIn
const lecun = (fanIn: number) => 1 / fanIn

/**
 * Variances that keep the size of signals and gradients from layer to layer.
 * @see Glorot & Bengio (2010), eq. 12 and 16: Var = 2 / (fanIn + fanOut)
 * @see He et al. (2015), eq. 10: Var = 2 / fanIn
 * @see LeCun et al. (1998), "Efficient BackProp", section 4.6: Var = 1 / fanIn
 * @see keras/src/initializers/random_initializers.py, VarianceScaling
 */
const VARIANCE_SCALING: Record<Exclude<InitializerName, 'orthogonal' | 'zeros' | 'ones'>, VarianceScaling> = {
  glorotUniform: { variance: glorot, distribution: 'uniform' },
  glorotNormal: { variance: glorot, distribution: 'truncatedNormal' },
  heUniform: { variance: he, distribution: 'uniform' },
  heNormal: { variance: he, distribution: 'truncatedNormal' },
  lecunUniform: { variance: lecun, distribution: 'uniform' },
  lecunNormal: { variance: lecun, distribution: 'truncatedNormal' },
}

/**
 * Fills a variable.
 * @param shape - `[fanIn, fanOut]` of a kernel; `[units]` of a bias, whose fans are both `units` as in Keras
 * @returns float32, row by row
 */
export function initialize(
  initializer: Initializer,
  random: Random,
  shape: readonly [number, number] | readonly [number],
): Float32Array {
  const [fanIn, fanOut = fanIn] = shape
  const size = shape.length === 1 ? fanIn : fanIn * fanOut
  if (typeof initializer === 'object') return new Float32Array(size).fill(initializer.value)
  switch (initializer) {
    case 'zeros':
      return new Float32Array(size)
    case 'ones':
      return new Float32Array(size).fill(1)
    case 'orthogonal':
      return shape.length === 1 ? orthogonal(random, 1, size) : orthogonal(random, fanIn, fanOut)
    default: {
      const { variance, distribution } = VARIANCE_SCALING[initializer]
      return drawScaled(random, size, Math.sqrt(variance(fanIn, fanOut)), distribution)
    }
  }
}

/** The standard deviation of a standard normal cut off at ±2, as Keras divides by it. */
const TRUNCATED_DEVIATION = 0.8796256610342398

function drawScaled(
  random: Random,
  size: number,
  deviation: number,
  distribution: VarianceScaling['distribution'],
): Float32Array {
  // A uniform distribution over ±limit has variance limit² / 3.
  const limit = Math.sqrt(3) * deviation
  const draw =
    distribution === 'uniform'
      ? () => (2 * random.uniform() - 1) * limit
      : () => truncatedNormal(random) * (deviation / TRUNCATED_DEVIATION)
  return Float32Array.from({ length: size }, draw)
}

/** A standard normal, drawn again while it lies outside ±2. */
function truncatedNormal(random: Random): number {
  for (;;) {
    const value = random.normal()
    if (Math.abs(value) <= 2) return value
  }
}

/**
 * A matrix whose rows, or columns where those are fewer, are orthonormal: normal numbers through modified
 * Gram–Schmidt, which gives the Q of a QR decomposition with a positive diagonal of R.
 * @see Saxe, McClelland & Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning"
 * @see Golub & Van Loan, "Matrix Computations", algorithm 5.2.6
 */
function orthogonal(random: Random, rows: number, columns: number): Float32Array {
  const count = Math.min(rows, columns)
  const length = Math.max(rows, columns)
  const vectors: Float64Array[] = []
  while (vectors.length < count) {
    const vector = Float64Array.from({ length }, () => random.normal())
    for (const other of vectors) subtractScaled(vector, other, dot(vector, other))
    const norm = Math.sqrt(dot(vector, vector))
    vectors.push(vector.map(x => x / norm))
  }
  return Float32Array.from({ length: rows * columns }, (_, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns]
    const [vector, place] = rows <= columns ? [row, column] : [column, row]
    return vectors[vector]?.[place] ?? 0
  })
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}

function subtractScaled(a: Float64Array, b: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] as number) - factor * (b[i] as number)
}
