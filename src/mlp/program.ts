import { Graph, type StepScalar, type Variable } from './graph.ts'
import { type InputScaling, scaleInput } from './input-scaling.ts'
import type { Block, BlockStep, Mode, StepInputs } from './layers/block.ts'
import { type LossSpec, lossOf } from './losses/registry.ts'
import { buildBlocks, countOutputUnits, type Network, outputActivation } from './network.ts'
import { type ComputeOperation, isUpdate, type Operation, type Value } from './operations.ts'
import type { VariableGradient } from './optimizers/optimizer.ts'
import { type OptimizerSpec, writeUpdates } from './optimizers/registry.ts'
import { writePenalty, writePenaltyGradient } from './regularizer.ts'
import type { Task } from './task.ts'

/** What predictions are made with. All defaults are filled in, and the parts fit (see `jobs/resolve-spec.ts`). */
export interface InferenceSpec {
  inputUnits: number
  /** What is done to the features before the first layer. */
  inputScaling: InputScaling
  network: Network
}

/** What a program is made from. */
export interface ProgramSpec extends InferenceSpec {
  task: Task
  loss: LossSpec
  optimizer: OptimizerSpec
  /** Factors of the examples' losses in training, by class of a classification; null: all count alike. */
  classWeights: readonly number[] | null
}

/** The forward half of a network, as a list of primitive operations. */
export interface InferenceProgram {
  /** Ids of values are 0 … `valueCount` − 1. */
  valueCount: number
  inputUnits: number
  outputUnits: number
  /** Raw features, `[batch, inputUnits]`. */
  features: Value
  variables: readonly Variable[]
  operations: readonly ComputeOperation[]
  /** `[batch, outputUnits]`. */
  predictions: Value
}

/**
 * A network and the way to train it, as lists of primitive operations. Executors interpret it; nothing else in
 * the service knows a formula. One training step is `training`, then `update`. The examples of a step may be split
 * over threads, each of which runs `training` on its part; what must be known of the whole step is `exampleCount`
 * and every `total`.
 */
export interface Program {
  /** Ids of values are 0 … `valueCount` − 1. */
  valueCount: number
  inputUnits: number
  outputUnits: number
  inputs: StepInputs & {
    /** Raw features, `[batch, inputUnits]`. */
    features: Value
    /** Classes, `[batch] int32`; of other tasks the targets, `[batch, outputUnits]`. */
    labels: Value
    /** How far this step goes, `[]`. */
    learningRate: Value
  }
  /** Further numbers that change from step to step. */
  scalars: readonly StepScalar[]
  variables: readonly Variable[]
  /** Forward and backward for training. */
  training: {
    operations: readonly ComputeOperation[]
    predictions: Value
    losses: Value
    /** Of the whole step. */
    gradients: readonly VariableGradient[]
  }
  /** What changes the variables, from the values of `training`; in order. */
  update: readonly Operation[]
  /** Forward for validation and prediction: features to predictions. */
  inference: { operations: readonly ComputeOperation[]; predictions: Value }
  /** To be run after `inference`: predictions and labels to the loss of each example. */
  evaluation: { operations: readonly ComputeOperation[]; losses: Value }
}

/** Writes what predicts: no loss, no gradients. */
export function buildInferenceProgram(spec: InferenceSpec): InferenceProgram {
  const graph = new Graph()
  const inputs = declareInputs(graph, spec, 'classification')
  const forward = declareNetwork(graph, spec, inputs)
  const { operations, result } = graph.collect(() => forward('inference'))
  return {
    valueCount: graph.valueCount,
    inputUnits: spec.inputUnits,
    outputUnits: countOutputUnits(spec.network, spec.inputUnits),
    features: inputs.features,
    variables: graph.variables,
    operations: computing(operations),
    predictions: result.predictions,
  }
}

/** Writes the program of a network: forward, backward, update. */
export function buildProgram(spec: ProgramSpec): Program {
  const graph = new Graph()
  const inputs = declareInputs(graph, spec, spec.task)
  const forward = declareNetwork(graph, spec, inputs)
  const weights = graph.variables.filter(({ role }) => role === 'weight')

  const training = graph.collect(() => writeTraining(graph, spec, inputs, weights, forward('training')))
  const { gradients, statistics, ...trained } = training.result
  const update = graph.collect(() => {
    for (const { variable, x } of statistics) graph.assign(variable.value, x)
    writeUpdates(graph, spec.optimizer, gradients, inputs.learningRate)
  })
  const inference = graph.collect(() => forward('inference'))
  const evaluation = graph.collect(() => {
    const { losses } = lossOf(spec.loss.type).write(graph, spec.loss, {
      ...inference.result,
      labels: inputs.labels,
    })
    return addPenalty(graph, weights, losses)
  })
  return {
    valueCount: graph.valueCount,
    inputUnits: spec.inputUnits,
    outputUnits: countOutputUnits(spec.network, spec.inputUnits),
    inputs,
    scalars: graph.scalars,
    variables: graph.variables,
    training: { operations: computing(training.operations), gradients, ...trained },
    update: update.operations,
    inference: {
      operations: computing(inference.operations),
      predictions: inference.result.predictions,
    },
    evaluation: { operations: computing(evaluation.operations), losses: evaluation.result },
  }
}

function declareInputs(graph: Graph, { inputUnits, network }: InferenceSpec, task: Task): Program['inputs'] {
  return {
    features: graph.value(['batch', inputUnits]),
    labels:
      task === 'classification'
        ? graph.value(['batch'], 'int32')
        : graph.value(['batch', countOutputUnits(network, inputUnits)]),
    exampleCount: graph.value([]),
    step: graph.value([], 'int32'),
    learningRate: graph.value([]),
  }
}

interface Forward {
  logits: Value
  predictions: Value
  /** Of each block: the first that is trained is as far back as gradients must go. */
  steps: (BlockStep & Pick<Block, 'isTrained'>)[]
}

/** Declares the variables once, and gives what writes the way forward, as often as it is wanted. */
function declareNetwork(
  graph: Graph,
  { network, inputScaling, inputUnits }: InferenceSpec,
  inputs: Program['inputs'],
): (mode: Mode) => Forward {
  const blocks = buildBlocks(graph, network, inputUnits)
  return mode => {
    const steps: Forward['steps'] = []
    let logits = scaleInput(graph, inputScaling, inputs.features)
    let predictions = logits
    for (const block of blocks) {
      const step = block.forward(graph, predictions, mode, inputs)
      steps.push({ ...step, isTrained: block.isTrained })
      logits = predictions
      predictions = step.output
    }
    return { logits: outputActivation(network) === null ? predictions : logits, predictions, steps }
  }
}

function writeTraining(
  graph: Graph,
  spec: ProgramSpec,
  inputs: Program['inputs'],
  weights: readonly Variable[],
  { logits, predictions, steps }: Forward,
) {
  const loss = lossOf(spec.loss.type)
  const written = loss.write(graph, spec.loss, { logits, predictions, labels: inputs.labels })
  const weighted = weighExamples(graph, spec.classWeights, inputs.labels)
  const backwards = loss.onLogits === null ? steps : steps.slice(0, -1)
  const gradients: VariableGradient[] = []
  let flowing: Value | null = graph.divide(weighted.gradient(written.gradient()), inputs.exampleCount)
  const first = steps.findIndex(({ isTrained }) => isTrained)
  for (const [index, step] of [...backwards.entries()].reverse()) {
    if (flowing === null || index < first) break
    const result = step.backward(flowing, index > first)
    for (const { variable, gradient } of result.variables) {
      gradients.push({ variable, gradient: writePenaltyGradient(graph, variable, graph.total(gradient)) })
    }
    flowing = result.input
  }
  return {
    predictions,
    losses: addPenalty(graph, weights, weighted.losses(written.losses)),
    gradients,
    statistics: steps.flatMap(step => step.statistics ?? []),
  }
}

/** Multiplies losses and gradients by the weight of each example's class. @see Keras, `class_weight` of `fit` */
function weighExamples(graph: Graph, classWeights: readonly number[] | null, labels: Value) {
  if (!classWeights) return { losses: (losses: Value) => losses, gradient: (gradient: Value) => gradient }
  const weights = graph.value(['batch'])
  graph.emit({ kind: 'lookUp', labels, table: classWeights, output: weights })
  return {
    losses: (losses: Value) => graph.multiply(losses, weights),
    gradient: (gradient: Value) => graph.multiply(gradient, graph.reshape(weights, ['batch', 1])),
  }
}

/** Losses with what the regularizers of the weights add. */
export function addPenalty(graph: Graph, weights: readonly Variable[], losses: Value): Value {
  const penalty = writePenalty(graph, weights)
  return penalty ? graph.add(losses, penalty) : losses
}

/** Only the update changes variables. */
function computing(operations: readonly Operation[]): ComputeOperation[] {
  return operations.filter(operation => !isUpdate(operation))
}
