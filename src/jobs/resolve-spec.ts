import type { DatasetContent } from '../datasets/content.ts'
import { type FieldError, pointerToken } from '../errors.ts'
import { resolveEarlyStopping } from '../mlp/early-stopping.ts'
import { defaultLoss, resolveLoss } from '../mlp/losses/registry.ts'
import { defaultMetrics, metricOf, validationName } from '../mlp/metrics/registry.ts'
import {
  countParameters,
  countTrainableParameters,
  type Network,
  outputActivation,
  PARAMETERS_MAX,
  resolveNetwork,
} from '../mlp/network.ts'
import { resolveOptimizer } from '../mlp/optimizers/registry.ts'
import { resolveReduceOnPlateau } from '../mlp/schedules/reduce-on-plateau.ts'
import { resolveSchedule } from '../mlp/schedules/schedule.ts'
import type { BaseModel } from '../models/base-model.ts'
import { countInputs } from '../preprocessing/inputs.ts'
import { keepPreprocessing } from '../preprocessing/keep.ts'
import type { FittedPreprocessing, Preprocessing } from '../preprocessing/preprocessing.ts'
import { resolvePreprocessing } from '../preprocessing/resolve.ts'
import { checkOutput } from './check-output.ts'
import { checkValidation } from './check-validation.ts'
import { type Estimate, estimate } from './estimate.ts'
import { countSteps, planFits } from './plan-fits.ts'
import type { JobRequest } from './schemas.ts'
import type { TrainingSpec } from './training-spec.ts'
import { type BaseVersion, planWarmStart } from './warm-start.ts'

/** A job with every default filled in, whose parts fit each other and the dataset. */
export interface JobSpec {
  network: Network
  training: TrainingSpec
  /** As asked for; with the figures of the base model where these are kept. */
  preprocessing: Preprocessing | FittedPreprocessing
  parameterCount: number
  trainableParameterCount: number
  baseModel: BaseModel | null
  /** Training examples of the model, after the validation fraction is set aside. */
  trainExamples: number
  /** Epochs over all fits. */
  epochs: number
  /** Training steps over all epochs. */
  steps: number
  estimate: Estimate
}

/**
 * Fills in the defaults of a request and checks what a schema cannot: that the last layer fits the classes and the
 * loss, that the splits exist, that it is not too large, that the weights of the base fit.
 * @param randomSeed - taken when the request names none
 * @param base - the version that `baseModel` names
 * @returns the spec, or everything that is wrong with the request
 */
export function resolveSpec(
  request: JobRequest,
  dataset: DatasetContent,
  limits: { trainerBytesMax: number; residentBytesMax: number },
  randomSeed: number,
  base: BaseVersion | null = null,
): JobSpec | { errors: FieldError[] } {
  const asked = request.network ?? base?.manifest.network
  if (!asked) return { errors: [{ pointer: '/network', detail: 'is required without baseModel' }] }
  const network = resolveNetwork(asked)
  const training = resolveTraining(request, dataset, network, randomSeed)
  const keptPreprocessing = base !== null && request.preprocessing === undefined
  const preprocessing = keptPreprocessing
    ? keepPreprocessing(base.manifest, dataset)
    : resolvePreprocessing(request.preprocessing ?? {}, dataset)
  if ('errors' in preprocessing) return preprocessing
  const inputUnits = countInputs(preprocessing, dataset)
  const parameterCount = countParameters(network, inputUnits)
  const trainableParameterCount = countTrainableParameters(network, inputUnits)
  const fits = planFits(training, dataset.splits.train?.examples ?? 0)
  const steps = countSteps(training, fits)
  const { residentBytesMax } = limits
  const estimated = estimate({
    network,
    training,
    dataset,
    inputUnits,
    parameterCount,
    fits,
    residentBytesMax,
  })
  const layers = request.baseModel?.layers ?? 'all'
  const warm = base && planWarmStart(base, layers, { network, inputUnits, dataset })
  const errors = [
    ...(warm?.errors ?? []),
    ...checkOutput(network, inputUnits, training, dataset),
    ...checkNames(training, dataset),
    ...checkClipping(training),
    ...checkAugmentation(training, dataset),
    ...checkValidation(training, dataset),
    ...checkSize(parameterCount, estimated.trainerMemoryBytes, limits.trainerBytesMax),
    ...(trainableParameterCount === 0
      ? [{ pointer: '/network/layers', detail: 'at least one layer must have weights that are trained' }]
      : []),
    ...(steps > 2 ** 31 - 1
      ? [{ pointer: '/training/epochs', detail: `there may be 2147483647 steps; these are ${steps}` }]
      : []),
  ]
  if (errors.length > 0) return { errors: request.network ? errors : errors.map(pointAtBase) }
  return {
    network,
    training,
    preprocessing,
    parameterCount,
    trainableParameterCount,
    baseModel: base && warm && describeBase(base, layers, warm, keptPreprocessing),
    trainExamples: fits.at(-1)?.trainExamples ?? 0,
    epochs: training.epochs * fits.length,
    steps,
    estimate: estimated,
  }
}

function describeBase(
  { name, version, sha256 }: BaseVersion,
  layers: BaseModel['layers'],
  { takenLayers, newLayers }: Pick<BaseModel, 'takenLayers' | 'newLayers'>,
  keptPreprocessing: boolean,
): BaseModel {
  return { name, version, sha256, layers, takenLayers, newLayers, keptPreprocessing }
}

/** A network that was not given is the base model's, so what is wrong with it is wrong with that. */
function pointAtBase({ pointer = '', detail }: FieldError): FieldError {
  if (!pointer.startsWith('/network')) return { pointer, detail }
  return { pointer: '/baseModel', detail: `its network, which is taken, at ${pointer}: ${detail}` }
}

function resolveTraining(
  { training = {} }: JobRequest,
  dataset: DatasetContent,
  network: Network,
  randomSeed: number,
): TrainingSpec {
  const validation =
    training.validation === undefined
      ? defaultValidation(dataset)
      : (training.validation as TrainingSpec['validation']) // what is in it is checked below
  const epochs = training.epochs ?? 10
  const batchSize = training.batchSize ?? 32
  const model = planFits({ validation }, dataset.splits.train?.examples ?? 0).slice(-1)
  const steps = countSteps({ epochs, batchSize }, model)
  const hasValidation = validation !== null
  const isModelValidated = hasValidation && !('folds' in validation)
  const { task } = dataset
  return {
    epochs,
    batchSize,
    loss: training.loss ? resolveLoss(training.loss) : defaultLoss(outputActivation(network), task),
    optimizer: resolveOptimizer(training.optimizer ?? { type: 'adam' }),
    metrics: training.metrics ?? defaultMetrics(task),
    validation,
    learningRateSchedule: resolveSchedule(training.learningRateSchedule, steps),
    ...(training.reduceOnPlateau && {
      reduceOnPlateau: resolveReduceOnPlateau(training.reduceOnPlateau, isModelValidated),
    }),
    ...(training.earlyStopping && {
      earlyStopping: resolveEarlyStopping(training.earlyStopping, hasValidation),
    }),
    ...(training.classWeight && { classWeight: resolveClassWeight(training.classWeight, dataset) }),
    ...(training.augmentation && { augmentation: training.augmentation }),
    seed: training.seed ?? randomSeed,
    maxRuntimeSeconds: training.maxRuntimeSeconds ?? null,
  }
}

/** @see scikit-learn, `compute_class_weight('balanced')` */
function resolveClassWeight(
  given: 'balanced' | Record<string, number>,
  { classes, splits }: DatasetContent,
): Record<string, number> {
  const examples = splits.train?.examples ?? 0
  const weightOf = (label: string) => {
    if (given !== 'balanced') return given[label] ?? 1
    const count = splits.train?.classCounts[label] ?? 0
    return count === 0 ? 0 : examples / (classes.length * count)
  }
  return {
    ...(given === 'balanced' ? {} : given),
    ...Object.fromEntries(classes.map(label => [label, weightOf(label)])),
  }
}

function defaultValidation({ splits }: DatasetContent): TrainingSpec['validation'] {
  if (splits.validation) return { split: 'validation' }
  if (splits.test) return { split: 'test' }
  return (splits.train?.examples ?? 0) >= 10 ? { fraction: 0.1 } : null
}

function checkAugmentation({ augmentation }: TrainingSpec, { kind, dtype }: DatasetContent): FieldError[] {
  if (!augmentation || (kind === 'image' && dtype === 'uint8')) return []
  return [{ pointer: '/training/augmentation', detail: 'only images can be changed like this' }]
}

/** What refers to something by name must find it, and suit the task. */
function checkNames(training: TrainingSpec, { classes, task }: DatasetContent): FieldError[] {
  const errors: FieldError[] = []
  for (const [index, name] of training.metrics.entries()) {
    if (metricOf(name).tasks.includes(task)) continue
    errors.push({ pointer: `/training/metrics/${index}`, detail: `${name} is no metric of a ${task}` })
  }
  if (training.classWeight && task !== 'classification') {
    errors.push({
      pointer: '/training/classWeight',
      detail: `only classes have weights; the task is ${task}`,
    })
    return errors
  }
  const names = ['loss', ...training.metrics]
  const { validation } = training
  const all = validation === null ? names : [...names, ...names.map(validationName)]
  for (const rule of ['earlyStopping', 'reduceOnPlateau'] as const) {
    const monitor = training[rule]?.monitor
    // The fit that makes the model has no validation, but its rates must fall as those of the folds do.
    const isInEachFit = rule === 'reduceOnPlateau' && validation !== null && 'folds' in validation
    const known = isInEachFit ? names : all
    if (monitor !== undefined && !known.includes(monitor)) {
      const which = isInEachFit ? 'a training metric with folds' : 'a metric of this training'
      const detail = `must be ${which}, one of ${known.join(', ')}; received ${monitor}`
      errors.push({ pointer: `/training/${rule}/monitor`, detail })
    }
  }
  for (const label of Object.keys(training.classWeight ?? {})) {
    if (!classes.includes(label)) {
      const pointer = `/training/classWeight/${pointerToken(label)}`
      errors.push({ pointer, detail: 'is no class of the dataset' })
    }
  }
  return errors
}

function checkClipping({ optimizer }: TrainingSpec): FieldError[] {
  const given = (['clipNorm', 'clipValue', 'globalClipNorm'] as const).filter(name => name in optimizer)
  if (given.length <= 1) return []
  const detail = `at most one way of clipping may be given; received ${given.join(' and ')}`
  return [{ pointer: `/training/optimizer/${given[1]}`, detail }]
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
