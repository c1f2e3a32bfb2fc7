import { unitsOf } from '../../../src/mlp/graph.ts'
import type { Value } from '../../../src/mlp/operations.ts'
import type { Program } from '../../../src/mlp/program.ts'
import { attr, type DataType, GraphDef } from './graph-def.ts'
import {
  type Names,
  nameIn,
  VariableTracker,
  type WrittenPart,
  writeParts,
  writeUpdate,
} from './step-graph.ts'

/** What the graph keeps of a split. */
export interface ResidentSplit {
  name: string
  /** uint8 features stay bytes in the session, a quarter of the memory, and are cast for each batch. */
  dtype: 'uint8' | 'float32'
}

/** The shape of a graph beyond its program. */
export interface GraphPlan {
  program: Program
  /** Of the random numbers of dropout. */
  seed: number
  splits: readonly ResidentSplit[]
  batchSize: number
  /** Steps of one call of `steps`. */
  stepsPerCall: number
  /** Parts that a batch is cut into, which run at the same time. */
  shards: number
}

/** Names that a session feeds and fetches. */
export const NODE = {
  indices: 'indices',
  scalars: 'scalars',
  firstStep: 'first_step',
  features: (split: string) => `features/${split}`,
  labels: (split: string) => `labels/${split}`,
  loadSplit: (split: string) => `load/${split}`,
  variable: (name: string) => `variable/${name}`,
  bytes: (name: string) => `bytes/${name}`,
  loadVariables: 'load_variables',
  readVariable: (name: string) => `read_variable/${name}`,
  losses: (call: string) => `${call}/losses`,
  predictions: (call: string) => `${call}/predictions`,
  evaluate: (split: string) => `evaluate_${split}`,
  steps: 'steps',
  step: 'step',
}

/**
 * Writes the whole of a training as one graph: data and variables that stay in the session, several steps in one
 * call, one step of any size, and evaluation of each split. Which examples, the number of the first step, and the
 * scalars of each step are fed.
 */
export function writeTrainingGraph(plan: GraphPlan): GraphDef {
  const graph = new GraphDef()
  const { program, splits, batchSize, stepsPerCall } = plan
  const loaded = program.variables.map(({ name, shape }) => writeVariable(graph, name, shape))
  graph.identity(graph.float(0), loaded, NODE.loadVariables)
  for (const split of splits) writeSplit(graph, split, program)
  const indices = graph.placeholder(NODE.indices, 'DT_INT32', [-1])
  const scalars = graph.placeholder(NODE.scalars, 'DT_FLOAT', [-1, program.scalars.length + 1])
  const firstStep = graph.placeholder(NODE.firstStep, 'DT_INT32', [])
  const context = { graph, plan, indices, scalars, firstStep }

  const train = splits.find(split => split.name === 'train')
  if (train) {
    const size = graph.ints([batchSize])
    const batchOf = (step: number) => graph.slice(indices, 'DT_INT32', graph.ints([step * batchSize]), size)
    writeSteps(context, train, NODE.steps, stepsPerCall, batchOf, graph.int(batchSize))
    const count = countOf(graph, indices)
    writeSteps(context, train, NODE.step, 1, () => indices, count)
  }
  for (const split of splits) writeEvaluation(context, split)
  return graph
}

/** The learning rate stands before the program's own scalars in what is fed. */
export function scalarsOf(program: Program, step: number, learningRate: number): number[] {
  return [learningRate, ...program.scalars.map(scalar => scalar.at(step))]
}

interface Context {
  graph: GraphDef
  plan: GraphPlan
  indices: string
  scalars: string
  firstStep: string
}

/** @returns the node that fills the variable */
function writeVariable(graph: GraphDef, name: string, shape: readonly number[]): string {
  const handle = graph.variable(NODE.variable(name), 'DT_FLOAT', shape)
  const assigned = graph.assign(handle, graph.decode(NODE.bytes(name), 'DT_FLOAT', shape), 'DT_FLOAT')
  graph.identity(graph.read(handle, 'DT_FLOAT'), [], NODE.readVariable(name))
  return assigned
}

/** Splits may be replaced by ones of another length: data that does not fit in memory comes in blocks. */
function writeSplit(graph: GraphDef, { name, dtype }: ResidentSplit, { inputUnits, inputs }: Program): void {
  const type: DataType = dtype === 'uint8' ? 'DT_UINT8' : 'DT_FLOAT'
  const features = graph.variable(NODE.features(name), type, [-1, inputUnits])
  const { dtype: labelType, shape: labelShape } = labelsOf(inputs)
  const labels = graph.variable(NODE.labels(name), labelType, labelShape)
  const assigned = [
    graph.assign(features, graph.decode(NODE.bytes(NODE.features(name)), type, [-1, inputUnits]), type),
    graph.assign(labels, graph.decode(NODE.bytes(NODE.labels(name)), labelType, labelShape), labelType),
  ]
  graph.identity(graph.float(0), assigned, NODE.loadSplit(name))
}

/** How labels are kept: class numbers, or a row of numbers each. */
function labelsOf({ labels }: Program['inputs']): { dtype: DataType; shape: number[] } {
  return labels.dtype === 'int32'
    ? { dtype: 'DT_INT32', shape: [-1] }
    : { dtype: 'DT_FLOAT', shape: [-1, unitsOf(labels)] }
}

function trackVariables(graph: GraphDef, program: Program): VariableTracker {
  return new VariableTracker(graph, program.variables, NODE.variable)
}

/** Gathers the features and labels of a batch from the session. */
function gatherExamples({ graph, plan }: Context, split: ResidentSplit, batch: string): Names {
  const { inputs } = plan.program
  const gather = (handle: string, type: DataType) =>
    graph.node('ResourceGather', [handle, batch], {
      dtype: attr.type(type),
      Tindices: attr.type('DT_INT32'),
      validate_indices: attr.bool(true),
      batch_dims: attr.int(0),
    })
  const features =
    split.dtype === 'uint8'
      ? graph.cast(gather(NODE.features(split.name), 'DT_UINT8'), 'DT_UINT8', 'DT_FLOAT')
      : gather(NODE.features(split.name), 'DT_FLOAT')
  return new Map([
    [inputs.features.id, features],
    [inputs.labels.id, gather(NODE.labels(split.name), labelsOf(inputs).dtype)],
  ])
}

/**
 * Writes a call that does some steps, and gives the results of all examples in order.
 * @param batchOf - the indices of a step's examples, a node
 * @param count - how many these are, a node
 */
function writeSteps(
  context: Context,
  split: ResidentSplit,
  call: string,
  steps: number,
  batchOf: (step: number) => string,
  count: string,
): void {
  const { graph, plan, firstStep } = context
  const { program, seed } = plan
  const { training, inputs } = program
  const variables = trackVariables(graph, program)
  const exampleCount = graph.cast(count, 'DT_INT32', 'DT_FLOAT')
  const results: { losses: string; predictions: string }[] = []
  for (let index = 0; index < steps; index++) {
    const shared: Names = new Map([[inputs.exampleCount.id, exampleCount]])
    shared.set(inputs.step.id, index === 0 ? firstStep : sum(graph, firstStep, graph.int(index)))
    for (const [column, { id }] of [inputs.learningRate, ...program.scalars.map(s => s.value)].entries()) {
      shared.set(id, writeScalar(context, index, column))
    }
    const parts = writeShards(context, split, batchOf(index), count)
    writeParts(graph, training.operations, parts, shared, variables)
    writeUpdate(graph, program.update, shared, variables, seed)
    for (const { names } of parts) {
      const { losses, predictions } = training
      results.push({ losses: nameIn(losses, names), predictions: nameIn(predictions, names) })
    }
  }
  const losses = graph.concat(
    results.map(result => result.losses),
    `${call}/forward`,
  )
  graph.identity(losses, variables.done, NODE.losses(call))
  graph.concat(
    results.map(result => result.predictions),
    NODE.predictions(call),
  )
}

/** Cuts a batch into parts that run at the same time; the last one takes the rest. */
function writeShards(context: Context, split: ResidentSplit, batch: string, count: string): WrittenPart[] {
  const { graph, plan } = context
  const { shards, seed } = plan
  if (shards === 1) {
    return [{ begin: graph.int(0), count, seed, names: gatherExamples(context, split, batch) }]
  }
  const int = (op: string, a: string, b: string) => graph.node(op, [a, b], { T: attr.type('DT_INT32') })
  const size = int('FloorDiv', count, graph.int(shards))
  return Array.from({ length: shards }, (_, shard) => {
    const begin = int('Mul', size, graph.int(shard))
    const own = shard < shards - 1 ? size : int('Sub', count, begin)
    const vector = (scalar: string) => graph.reshape(scalar, 'DT_INT32', [1])
    const examples = graph.slice(batch, 'DT_INT32', vector(begin), vector(own))
    return { begin, count: own, seed, names: gatherExamples(context, split, examples) }
  })
}

/** Writes a call that predicts the fed examples of a split and gives the loss of each. */
function writeEvaluation(context: Context, split: ResidentSplit): void {
  const { graph, plan, indices } = context
  const { inference, evaluation } = plan.program
  const parts = writeShards(context, split, indices, countOf(graph, indices))
  const operations = [...inference.operations, ...evaluation.operations]
  writeParts(graph, operations, parts, new Map(), trackVariables(graph, plan.program))
  const call = NODE.evaluate(split.name)
  const join = (value: Value, name: string) =>
    graph.concat(
      parts.map(({ names }) => nameIn(value, names)),
      name,
    )
  join(evaluation.losses, NODE.losses(call))
  join(inference.predictions, NODE.predictions(call))
}

/** One number of the fed `[steps, scalars]`. */
function writeScalar({ graph, scalars }: Context, step: number, column: number): string {
  const cell = graph.slice(scalars, 'DT_FLOAT', graph.ints([step, column]), graph.ints([1, 1]))
  return graph.reshape(cell, 'DT_FLOAT', [])
}

function countOf(graph: GraphDef, vector: string): string {
  return graph.node('Size', [vector], { T: attr.type('DT_INT32'), out_type: attr.type('DT_INT32') })
}

function sum(graph: GraphDef, a: string, b: string): string {
  return graph.node('AddV2', [a, b], { T: attr.type('DT_INT32') })
}
