import { type DatasetContent, featureCount } from '../datasets/content.ts'
import type { FieldError } from '../errors.ts'
import { LOSSES, type LossName } from '../mlp/losses/registry.ts'
import { countParameters, type Network, resolveNetwork } from '../mlp/network.ts'
import { resolveOptimizer } from '../mlp/optimizers/registry.ts'
import { type Preprocessing, UINT8_PREPROCESSING } from '../mlp/preprocessing.ts'
import { type Estimate, estimate } from './estimate.ts'
import type { JobRequest } from './schemas.ts'
import type { TrainingSpec } from './training-spec.ts'

/** Weights and biases of a network at most. */
const PARAMETERS_MAX = 50_000_000

/** A job with every default filled in, whose parts fit each other and the dataset. */
export interface JobSpec {
  network: Network
  training: TrainingSpec
  preprocessing: Preprocessing
  parameterCount: number
  /** Training examples, after the validation fraction is set aside. */
  trainExamples: number
  /** Training steps over all epochs. */
  steps: number
  estimate: Estimate
}

/**
 * Fills in the defaults of a request and checks what a schema cannot: that the last layer fits the classes and the
 * loss, that the splits exist, that it is not too large.
 * @param randomSeed - taken when the request names none
 * @returns the spec, or everything that is wrong with the request
 */
export function resolveSpec(
  request: JobRequest,
  dataset: DatasetContent,
  limits: { trainerBytesMax: number },
  randomSeed: number,
): JobSpec | { errors: FieldError[] } {
  const network = resolveNetwork(request.network)
  const training = resolveTraining(request, dataset, network, randomSeed)
  const preprocessing =
    request.preprocessing ?? (dataset.dtype === 'uint8' ? UINT8_PREPROCESSING : { scale: 1 })
  const inputUnits = featureCount(dataset.shape)
  const parameterCount = countParameters(network, inputUnits)
  const trainExamples = countTrainExamples(training, dataset)
  const steps = training.epochs * Math.ceil(trainExamples / training.batchSize)
  const estimated = estimate({ network, training, dataset, parameterCount, trainExamples })
  const errors = [
    ...checkOutput(network, training.loss, dataset.classes.length),
    ...checkValidation(training, dataset),
    ...checkSize(parameterCount, estimated.trainerMemoryBytes, limits.trainerBytesMax),
    ...(steps > 2 ** 31 - 1
      ? [{ pointer: '/training/epochs', detail: `there may be 2147483647 steps; these are ${steps}` }]
      : []),
  ]
  if (errors.length > 0) return { errors }
  return { network, training, preprocessing, parameterCount, trainExamples, steps, estimate: estimated }
}

function resolveTraining(
  { training = {} }: JobRequest,
  dataset: DatasetContent,
  network: Network,
  randomSeed: number,
): TrainingSpec {
  const { validation } = training
  return {
    epochs: training.epochs ?? 10,
    batchSize: training.batchSize ?? 32,
    loss: training.loss ?? defaultLoss(network),
    optimizer: resolveOptimizer(training.optimizer ?? { type: 'adam' }),
    metrics: training.metrics ?? ['accuracy'],
    validation:
      validation === undefined ? defaultValidation(dataset) : (validation as TrainingSpec['validation']), // one of two fields, by its schema
    seed: training.seed ?? randomSeed,
    maxRuntimeSeconds: training.maxRuntimeSeconds ?? null,
  }
}

/** The loss that belongs to the output's activation. */
function defaultLoss(network: Network): LossName {
  const activation = network.layers.at(-1)?.activation
  const loss = Object.entries(LOSSES).find(([, { onLogits }]) => onLogits === activation)
  return (loss?.[0] ?? 'meanSquaredError') as LossName
}

function defaultValidation({ splits }: DatasetContent): TrainingSpec['validation'] {
  if (splits.validation) return { split: 'validation' }
  if (splits.test) return { split: 'test' }
  return (splits.train?.examples ?? 0) >= 10 ? { fraction: 0.1 } : null
}

/** How many examples a validation fraction sets aside. */
export function countHeldOut(training: TrainingSpec, trainExamples: number): number {
  const { validation } = training
  return validation && 'fraction' in validation ? Math.floor(validation.fraction * trainExamples) : 0
}

function countTrainExamples(training: TrainingSpec, { splits }: DatasetContent): number {
  const examples = splits.train?.examples ?? 0
  return examples - countHeldOut(training, examples)
}

function checkOutput(network: Network, loss: LossName, classes: number): FieldError[] {
  const index = network.layers.length - 1
  const output = network.layers[index]
  if (!output) return []
  const place = `/network/layers/${index}`
  const errors: FieldError[] = []
  if (classes < 2) {
    errors.push({
      pointer: '/datasetId',
      detail: `the dataset must have at least 2 classes; it has ${classes}`,
    })
  }
  const { onLogits } = LOSSES[loss]
  if (onLogits !== null && output.activation !== onLogits) {
    const detail = `the last activation must be ${onLogits} for ${loss}; received ${output.activation}`
    errors.push({ pointer: `${place}/activation`, detail })
  }
  const oneUnitWill = loss !== 'categoricalCrossentropy' && output.activation !== 'softmax' && classes === 2
  if (output.units !== classes && !(oneUnitWill && output.units === 1)) {
    const orOne = oneUnitWill ? ', or 1' : ''
    const detail = `the last layer must have ${classes} units, one for each class${orOne}; received ${output.units}`
    errors.push({ pointer: `${place}/units`, detail })
  }
  return errors
}

function checkValidation(training: TrainingSpec, { splits }: DatasetContent): FieldError[] {
  const { validation } = training
  if (validation === null) return []
  if ('split' in validation) {
    if (splits[validation.split]) return []
    const detail = `the dataset has no split ${validation.split}; it has ${Object.keys(splits).join(', ')}`
    return [{ pointer: '/training/validation/split', detail }]
  }
  const examples = splits.train?.examples ?? 0
  if (countHeldOut(training, examples) >= 1) return []
  const detail = `the fraction must hold out at least one of ${examples} examples; received ${validation.fraction}`
  return [{ pointer: '/training/validation/fraction', detail }]
}

function checkSize(parameterCount: number, memoryBytes: number, trainerBytesMax: number): FieldError[] {
  const errors: FieldError[] = []
  if (parameterCount > PARAMETERS_MAX) {
    const detail = `a network may have ${PARAMETERS_MAX} parameters; this one has ${parameterCount}`
    errors.push({ pointer: '/network/layers', detail })
  }
  if (memoryBytes > trainerBytesMax) {
    const detail = `training may take ${trainerBytesMax} bytes of memory; this job needs about ${memoryBytes}`
    errors.push({ pointer: '/training/batchSize', detail })
  }
  return errors
}
