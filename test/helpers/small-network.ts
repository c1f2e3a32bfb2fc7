import type { ActivationName } from '../../src/mlp/activations/registry.ts'
import type { LossName } from '../../src/mlp/losses/registry.ts'
import { type OptimizerSpec, resolveOptimizer } from '../../src/mlp/optimizers/registry.ts'
import type { ProgramSpec } from '../../src/mlp/program.ts'
import { createRandom } from '../../src/mlp/random.ts'
import type { Examples } from '../../worker/engines/engine.ts'

/** The seed of the small networks. */
export const SEED = 5

/** Features of an example. */
export const UNITS = 4

/** Classes of the examples, unless a test says otherwise. */
export const CLASSES = 3

/** A small network of two layers, and how to train it. */
export function specOf(parts: {
  hidden?: ActivationName
  output?: ActivationName
  loss?: LossName
  units?: number
  optimizer?: OptimizerSpec
}): ProgramSpec {
  const { hidden = 'tanh', output = 'softmax', units = CLASSES } = parts
  const kernelInitializer = 'glorotUniform' as const
  return {
    inputUnits: UNITS,
    preprocessing: { scale: 1 / 255 },
    network: {
      layers: [
        { type: 'dense', units: 6, activation: hidden, kernelInitializer },
        { type: 'dense', units, activation: output, kernelInitializer },
      ],
    },
    loss: parts.loss ?? 'categoricalCrossentropy',
    optimizer: parts.optimizer ?? resolveOptimizer({ type: 'sgd', learningRate: 0.1 }),
  }
}

/** Random examples, the same each time. */
export function drawExamples(count: number, classes: number): Examples {
  const random = createRandom(1, 'examples')
  return {
    features: Uint8Array.from({ length: count * UNITS }, () => random.integer(256)),
    labels: Int32Array.from({ length: count }, () => random.integer(classes)),
  }
}

/** 0 … count − 1. */
export function firstIndices(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, index) => index)
}
