import type { DatasetContent } from '../datasets/content.ts'
import { type Network, placeLayers } from '../mlp/network.ts'
import type { PlannedFit } from './plan-fits.ts'
import type { TrainingSpec } from './training-spec.ts'

/** What a training will take, roughly. */
export interface Estimate {
  trainerMemoryBytes: number
  /** On average, where fits are of different numbers of examples. */
  secondsPerEpoch: number
  seconds: number
}

/** Memory of a trainer before it has data: the runtime and the engine. */
const BASE_BYTES = 200 * 1024 ** 2

/** Weights, gradients and up to two slots of the optimizer, float32. */
const BYTES_PER_PARAMETER = 4 * 4

/** Multiply-adds a second of the slower engine on one core (portable, measured on MNIST, docs/performance.md). */
const FLOPS = 15e9

/** Time of a step beyond arithmetic, in seconds. */
const STEP_SECONDS = 5e-4

/**
 * Memory from what the trainer holds, time from the arithmetic: forward and backward are about 6 floating-point
 * operations for each parameter and example, validation 2.
 * @see Kaplan et al. (2020), "Scaling laws for neural language models", section 2.1, for the 6 N rule
 */
export function estimate(job: {
  network: Network
  training: TrainingSpec
  dataset: DatasetContent
  /** Inputs of the network. */
  inputUnits: number
  parameterCount: number
  fits: readonly PlannedFit[]
  /** Features of a split that are larger are trained in blocks. */
  residentBytesMax: number
}): Estimate {
  const { network, training, dataset, inputUnits, parameterCount, fits, residentBytesMax } = job
  const examples = Object.values(dataset.splits).reduce((sum, split) => sum + split.examples, 0)
  const rowBytes = dataset.dtype === 'uint8' ? inputUnits : inputUnits * 4 // all else trains as float32
  const dataBytes = Object.values(dataset.splits).reduce(
    (sum, split) => sum + Math.min(split.examples * rowBytes, residentBytesMax) + split.examples * 4,
    0,
  )
  const units = placeLayers(network, inputUnits).reduce(
    (sum, { outputUnits }) => sum + outputUnits,
    inputUnits,
  )
  const batchBytes = training.batchSize * units * 4 * 3 // values, gradients, and what is in between
  const secondsPerEpochs = fits.map(
    ({ trainExamples }) =>
      (parameterCount * (6 * trainExamples + 2 * (examples - trainExamples))) / FLOPS +
      (trainExamples / training.batchSize) * STEP_SECONDS,
  )
  const seconds = secondsPerEpochs.reduce((sum, own) => sum + own * training.epochs, 0)
  return {
    trainerMemoryBytes: BASE_BYTES + dataBytes + parameterCount * BYTES_PER_PARAMETER + batchBytes,
    secondsPerEpoch: seconds / (training.epochs * fits.length),
    seconds,
  }
}
