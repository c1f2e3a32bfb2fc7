import { Graph, unitsOf, type Variable } from './graph.ts'
import { scaleInput } from './input-scaling.ts'
import type { BlockStep } from './layers/block.ts'
import { buildBlocks, countOutputUnits, outputActivation } from './network.ts'
import { type ComputeOperation, isUpdate, type Operation, operandsOf, type Value } from './operations.ts'
import type { InferenceSpec } from './program.ts'

/** What each feature did for the logit of one class, as a list of primitive operations. */
export interface SaliencyProgram {
  /** Ids of values are 0 … `valueCount` − 1. */
  valueCount: number
  /** Raw features, `[batch, inputUnits]`. */
  features: Value
  /** The class to be explained, `[batch] int32`. */
  labels: Value
  variables: readonly Variable[]
  operations: readonly ComputeOperation[]
  /** Gradient × input, `[batch, units of the first layer]`. */
  saliency: Value
}

/**
 * Writes gradient × input: x ⊙ ∂z_c/∂x, for the logit z_c of class c and the input x as the first layer gets it, after
 * the preprocessing. Of one sigmoid unit the logit of the second class is z, that of the first −z. Where a network
 * ends without an activation its outputs are the logits.
 * @see Shrikumar et al. (2016), "Not Just a Black Box", section 2; Simonyan, Vedaldi & Zisserman (2014), "Deep Inside
 *   Convolutional Networks", section 3, for the gradient
 */
export function buildSaliencyProgram(spec: InferenceSpec): SaliencyProgram {
  const graph = new Graph()
  const features = graph.value(['batch', spec.inputUnits])
  const labels = graph.value(['batch'], 'int32')
  const blocks = buildBlocks(graph, spec.network, spec.inputUnits)
  const { operations, result } = graph.collect(() => {
    const input = scaleInput(graph, spec.inputScaling, features)
    // Prediction needs neither number; layers take them all the same.
    const step = { exampleCount: graph.value([]), step: graph.value([], 'int32') }
    const steps: BlockStep[] = []
    for (const block of outputActivation(spec.network) === null ? blocks : blocks.slice(0, -1)) {
      steps.push(block.forward(graph, steps.at(-1)?.output ?? input, 'inference', step))
    }
    const gradient = steps.reduceRight<Value | null>(
      (flowing, { backward }) => flowing && backward(flowing, true).input,
      chooseLogit(graph, labels, countOutputUnits(spec.network, spec.inputUnits)),
    )
    if (!gradient) throw new Error('every block must hand its gradient on')
    return graph.multiply(input, gradient)
  })
  return {
    valueCount: graph.valueCount,
    features,
    labels,
    variables: graph.variables,
    operations: neededFor(result, operations),
    saliency: result,
  }
}

/** ∂z_c/∂z: 1 at the class. */
function chooseLogit(graph: Graph, labels: Value, units: number): Value {
  const targets = graph.targets(labels, units)
  return unitsOf(targets) === 1 ? graph.shift(graph.scale(targets, 2), -1) : targets
}

/** Without what only the gradients of weights need. */
function neededFor(wanted: Value, operations: readonly Operation[]): ComputeOperation[] {
  const needed = new Set([wanted.id])
  const kept: ComputeOperation[] = []
  for (const operation of operations.toReversed()) {
    if (isUpdate(operation) || !outputsOf(operation).some(({ id }) => needed.has(id))) continue
    kept.push(operation)
    for (const { id } of operandsOf(operation)) needed.add(id)
  }
  return kept.reverse()
}

function outputsOf(operation: ComputeOperation): Value[] {
  return operation.kind === 'softmaxCrossEntropy'
    ? [operation.output, operation.outputGradient]
    : [operation.output]
}
