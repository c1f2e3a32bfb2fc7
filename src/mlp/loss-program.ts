import { Graph, type Variable } from './graph.ts'
import { lossOf } from './losses/registry.ts'
import { buildBlocks, countOutputUnits, outputActivation } from './network.ts'
import { type ComputeOperation, isUpdate, type Value } from './operations.ts'
import { addPenalty, type ProgramSpec } from './program.ts'

/** What measures the loss of predictions that were made before. */
export interface LossProgram {
  valueCount: number
  outputUnits: number
  /** Before the last activation, `[batch, outputUnits]`; see `toLogits`. */
  logits: Value
  /** `[batch, outputUnits]`. */
  predictions: Value
  /** Classes, `[batch]`; of other tasks the targets, `[batch, outputUnits]`. */
  labels: Value
  /** Of the network, for what its regularizers add. */
  variables: readonly Variable[]
  operations: readonly ComputeOperation[]
  /** `[batch]`. */
  losses: Value
}

/** Writes the loss of a network, from its outputs on. */
export function buildLossProgram({
  inputUnits,
  network,
  task,
  loss,
}: Pick<ProgramSpec, 'inputUnits' | 'network' | 'task' | 'loss'>): LossProgram {
  const graph = new Graph()
  const outputUnits = countOutputUnits(network, inputUnits)
  buildBlocks(graph, network, inputUnits)
  const variables = graph.variables.slice()
  const logits = graph.value(['batch', outputUnits])
  const predictions = graph.value(['batch', outputUnits])
  const labels =
    task === 'classification' ? graph.value(['batch'], 'int32') : graph.value(['batch', outputUnits])
  const { operations, result } = graph.collect(() => {
    const { losses } = lossOf(loss.type).write(graph, loss, { logits, predictions, labels })
    return addPenalty(graph, variables, losses)
  })
  const computing = operations.filter((operation): operation is ComputeOperation => !isUpdate(operation))
  const { valueCount } = graph
  return {
    valueCount,
    outputUnits,
    logits,
    predictions,
    labels,
    variables,
    operations: computing,
    losses: result,
  }
}

/** The least probability whose logarithm is told apart: the least normal float32. */
const LEAST = 2 ** -126

/**
 * Numbers that the last activation would make these predictions of: log p of softmax, which does not see what is added
 * to all of them, and log p / (1 − p) of a sigmoid. Of other activations the predictions themselves: losses that take
 * logits go with these two only.
 */
export function toLogits(
  network: Parameters<typeof outputActivation>[0],
  predictions: Float64Array,
): Float64Array {
  const log = (probability: number) => Math.log(Math.max(probability, LEAST))
  switch (outputActivation(network)) {
    case 'softmax':
      return predictions.map(log)
    case 'sigmoid':
      return predictions.map(probability => log(probability) - log(1 - probability))
    default:
      return predictions
  }
}
