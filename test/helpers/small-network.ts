import type { Type } from 'typebox'
import type { ActivationName } from '../../src/mlp/activations/registry.ts'
import { type LossSpec, resolveLoss } from '../../src/mlp/losses/registry.ts'
import { type NetworkSchema, resolveNetwork } from '../../src/mlp/network.ts'
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

/** Layers as a request gives them. */
export type LayerRequests = Type.Static<typeof NetworkSchema>['layers']

/** A small network of two layers, or of what is given, and how to train it. */
export function specOf(parts: {
  hidden?: ActivationName
  output?: ActivationName
  loss?: LossSpec
  units?: number
  layers?: LayerRequests
  optimizer?: OptimizerSpec
  classWeights?: readonly number[]
}): ProgramSpec {
  const { hidden = 'tanh', output = 'softmax', units = CLASSES } = parts
  const layers: LayerRequests = parts.layers ?? [
    { type: 'dense', units: 6, activation: hidden },
    { type: 'dense', units, activation: output },
  ]
  return {
    inputUnits: UNITS,
    task: 'classification',
    inputScaling: { scale: 1 / 255, offset: 0 },
    network: resolveNetwork({ layers }),
    loss: parts.loss ?? resolveLoss('categoricalCrossentropy'),
    optimizer: parts.optimizer ?? resolveOptimizer({ type: 'sgd', learningRate: 0.1 }),
    classWeights: parts.classWeights ?? null,
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
