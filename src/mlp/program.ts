import { Graph, type StepScalar, type Variable } from './graph.ts'
import { LOSSES, type LossName } from './losses/registry.ts'
import { buildBlocks, type Network } from './network.ts'
import type { Operation, Value } from './operations.ts'
import { emitUpdates, type OptimizerSpec } from './optimizers/registry.ts'
import { type Preprocessing, preprocess } from './preprocessing.ts'

/** What a program is made from. All defaults are filled in, and the parts fit (see `jobs/resolve-spec.ts`). */
export interface ProgramSpec {
  inputUnits: number
  preprocessing: Preprocessing
  network: Network
  loss: LossName
  optimizer: OptimizerSpec
}

/**
 * A network and the way to train it, as lists of primitive operations. Executors interpret it; nothing else in
 * the service knows a formula. One training step is `training`, then `update`; the examples of a step may be
 * split over threads, with the gradients summed, because only `exampleCount` speaks of the whole step.
 */
export interface Program {
  /** Ids of values are 0 … `valueCount` − 1. */
  valueCount: number
  inputUnits: number
  outputUnits: number
  inputs: {
    /** Raw features, `[batch, inputUnits]`. */
    features: Value
    /** Classes, `[batch] int32`. */
    labels: Value
    /** The number of examples of the step, `[]`: losses are means over the step. */
    exampleCount: Value
  }
  /** Numbers that change from step to step. */
  scalars: readonly StepScalar[]
  /** The learning rate is one of the scalars. */
  learningRate: StepScalar
  variables: readonly Variable[]
  /** Forward and backward for training. */
  training: {
    operations: readonly Operation[]
    predictions: Value
    losses: Value
    gradients: readonly { variable: Variable; gradient: Value }[]
  }
  /** The optimizer's move, from the gradients of `training`. */
  update: readonly Operation[]
  /** Forward for validation and prediction: features to predictions. */
  inference: { operations: readonly Operation[]; predictions: Value }
  /** To be run after `inference`: predictions and labels to the loss of each example. */
  evaluation: { operations: readonly Operation[]; losses: Value }
}

/** Writes the program of a network: forward, backward, update. */
export function buildProgram(spec: ProgramSpec): Program {
  const graph = new Graph()
  const inputs = {
    features: graph.value(['batch', spec.inputUnits]),
    labels: graph.value(['batch'], 'int32'),
    exampleCount: graph.value([]),
  }
  const blocks = buildBlocks(graph, spec.network, spec.inputUnits)
  const loss = LOSSES[spec.loss]

  const forward = () => {
    const [logitSteps, activation] = [blocks.slice(0, -1), blocks.slice(-1)]
    const steps: ReturnType<(typeof blocks)[number]['forward']>[] = []
    const run = (from: Value, some: typeof blocks) =>
      some.reduce((x, block) => {
        const step = block.forward(graph, x)
        steps.push(step)
        return step.output
      }, from)
    const logits = run(preprocess(graph, spec.preprocessing, inputs.features), logitSteps)
    return { logits, predictions: run(logits, activation), steps }
  }

  const training = graph.collect(() => {
    const { logits, predictions, steps } = forward()
    const { losses, gradient } = loss.forwardAndBackward(graph, {
      logits,
      predictions,
      labels: inputs.labels,
    })
    const back = loss.onLogits === null ? steps : steps.slice(0, -1)
    const gradients: { variable: Variable; gradient: Value }[] = []
    let flowing: Value | null = graph.binary('divide', gradient, inputs.exampleCount)
    for (const [index, step] of [...back.entries()].reverse()) {
      if (flowing === null) break
      const result = step.backward(flowing, index > 0)
      gradients.push(...result.variables)
      flowing = result.input
    }
    return { predictions, losses, gradients }
  })

  const learningRate = graph.scalar('learningRate', () => spec.optimizer.learningRate)
  const update = graph.collect(() =>
    emitUpdates(graph, spec.optimizer, training.result.gradients, learningRate),
  )
  const inference = graph.collect(forward)
  const evaluation = graph.collect(() => loss.forward(graph, { ...inference.result, labels: inputs.labels }))

  return {
    valueCount: graph.valueCount,
    inputUnits: spec.inputUnits,
    outputUnits: spec.network.layers.at(-1)?.units ?? spec.inputUnits,
    inputs,
    scalars: graph.scalars,
    learningRate,
    variables: graph.variables,
    training: { operations: training.operations, ...training.result },
    update: update.operations,
    inference: { operations: inference.operations, predictions: inference.result.predictions },
    evaluation: { operations: evaluation.operations, losses: evaluation.result },
  }
}
