import type { Program } from '../../../src/mlp/program.ts'
import { isUpdate } from '../../../src/mlp/updates.ts'
import { emitOperation, emitUpdate, type Names, nameOf } from './emit-operation.ts'
import { attr, type DataType, GraphDef } from './graph-def.ts'

/** What the graph keeps of a split. */
export interface ResidentSplit {
  name: string
  examples: number
  /** uint8 features stay bytes in the session, a quarter of the memory, and are cast for each batch. */
  dtype: 'uint8' | 'float32'
}

/** The shape of a graph beyond its program. */
export interface GraphPlan {
  program: Program
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
  features: (split: string) => `features/${split}`,
  labels: (split: string) => `labels/${split}`,
  loadSplit: (split: string) => `load/${split}`,
  variable: (name: string) => `variable/${name}`,
  bytes: (name: string) => `bytes/${name}`,
  loadVariable: (name: string) => `load_variable/${name}`,
  readVariable: (name: string) => `read_variable/${name}`,
  losses: (call: string) => `${call}/losses`,
  predictions: (call: string) => `${call}/predictions`,
  evaluate: (split: string) => `evaluate_${split}`,
  steps: 'steps',
  step: 'step',
}

/**
 * Writes the whole of a training as one graph: data and variables that stay in the session, several steps in one
 * call, one step of any size, and evaluation of each split. Which examples, and the scalars of each step, are fed.
 */
export function writeTrainingGraph(plan: GraphPlan): GraphDef {
  const graph = new GraphDef()
  const { program, splits, batchSize, stepsPerCall } = plan
  const handles: Names = new Map()
  for (const { name, shape, value } of program.variables)
    handles.set(value.id, writeVariable(graph, name, shape))
  for (const split of splits) writeSplit(graph, split, program.inputUnits)

  const indices = graph.placeholder(NODE.indices, 'DT_INT32', [-1])
  const scalars = graph.placeholder(NODE.scalars, 'DT_FLOAT', [-1, program.scalars.length])
  const context = { graph, plan, handles, scalars }
  const train = splits.find(split => split.name === 'train')
  if (train) {
    const size = graph.ints([batchSize])
    const results: StepResult[] = []
    for (let step = 0; step < stepsPerCall; step++) {
      const batch = graph.slice(indices, 'DT_INT32', graph.ints([step * batchSize]), size)
      results.push(writeStep(context, train, batch, graph.int(batchSize), step, results.at(-1)?.done ?? []))
    }
    writeResults(graph, NODE.steps, results)
    const count = graph.node('Size', [indices], { T: attr.type('DT_INT32'), out_type: attr.type('DT_INT32') })
    writeResults(graph, NODE.step, [writeStep(context, train, indices, count, 0, [])])
  }
  for (const split of splits) {
    const names = new Map(readWeights(context, []))
    writeInputs(graph, program, split, indices, names)
    for (const operation of program.inference.operations) emitOperation(graph, operation, names)
    for (const operation of program.evaluation.operations) emitOperation(graph, operation, names)
    const call = NODE.evaluate(split.name)
    graph.identity(nameOf(names, program.evaluation.losses), [], NODE.losses(call))
    graph.identity(nameOf(names, program.inference.predictions), [], NODE.predictions(call))
  }
  return graph
}

interface Context {
  graph: GraphDef
  plan: GraphPlan
  handles: Names
  scalars: string
}

interface StepResult {
  losses: string[]
  predictions: string[]
  /** The nodes that change the variables. */
  done: string[]
}

function writeVariable(graph: GraphDef, name: string, shape: readonly number[]): string {
  const handle = graph.variable(NODE.variable(name), 'DT_FLOAT', shape)
  const assigned = graph.assign(handle, graph.decode(NODE.bytes(name), 'DT_FLOAT', shape), 'DT_FLOAT')
  graph.identity(graph.float(0), [assigned], NODE.loadVariable(name))
  graph.identity(graph.read(handle, 'DT_FLOAT'), [], NODE.readVariable(name))
  return handle
}

function writeSplit(graph: GraphDef, { name, examples, dtype }: ResidentSplit, units: number): void {
  const type: DataType = dtype === 'uint8' ? 'DT_UINT8' : 'DT_FLOAT'
  const features = graph.variable(NODE.features(name), type, [examples, units])
  const labels = graph.variable(NODE.labels(name), 'DT_INT32', [examples])
  const assigned = [
    graph.assign(features, graph.decode(NODE.bytes(NODE.features(name)), type, [examples, units]), type),
    graph.assign(labels, graph.decode(NODE.bytes(NODE.labels(name)), 'DT_INT32', [examples]), 'DT_INT32'),
  ]
  graph.identity(graph.float(0), assigned, NODE.loadSplit(name))
}

function readWeights({ graph, plan, handles }: Context, after: readonly string[]): [number, string][] {
  return plan.program.variables
    .filter(variable => variable.role === 'weight')
    .map(({ value }) => [value.id, graph.read(nameOf(handles, value), 'DT_FLOAT', after)])
}

/** Gathers the features and labels of a batch from the session. */
function writeInputs(
  graph: GraphDef,
  program: Program,
  split: ResidentSplit,
  batch: string,
  names: Names,
): void {
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
  names.set(program.inputs.features.id, features)
  names.set(program.inputs.labels.id, gather(NODE.labels(split.name), 'DT_INT32'))
}

/**
 * Writes one step: forward and backward of each shard, the sum of the gradients in fixed order, so that the result
 * does not depend on which thread was first, then the update, after every reader of the old weights.
 */
function writeStep(
  context: Context,
  split: ResidentSplit,
  batch: string,
  count: string,
  step: number,
  after: readonly string[],
): StepResult {
  const { graph, plan, handles } = context
  const { program, shards } = plan
  const weights = readWeights(context, after)
  const exampleCount = graph.cast(count, 'DT_INT32', 'DT_FLOAT')
  const parts = Array.from({ length: shards }, (_, shard) => {
    const names: Names = new Map([...weights, [program.inputs.exampleCount.id, exampleCount]])
    writeInputs(graph, program, split, writeShard(graph, batch, count, shard, shards), names)
    for (const operation of program.training.operations) emitOperation(graph, operation, names)
    return names
  })
  const readers = parts.flatMap(names => readersOf(program, names))
  const values: Names = new Map(handles)
  for (const { gradient } of program.training.gradients) {
    values.set(
      gradient.id,
      addAll(
        graph,
        parts.map(names => nameOf(names, gradient)),
      ),
    )
  }
  program.scalars.forEach(({ value }, index) => {
    values.set(value.id, writeScalar(context, step, index))
  })
  const done = program.update.map(operation => {
    if (!isUpdate(operation)) throw new Error(`${operation.kind} is no update`)
    return emitUpdate(graph, operation, value => nameOf(values, value), readers)
  })
  return {
    losses: parts.map(names => nameOf(names, program.training.losses)),
    predictions: parts.map(names => nameOf(names, program.training.predictions)),
    done,
  }
}

/** The nodes that use a weight's value: its update must wait for them, so that it can change the weight in place. */
function readersOf(program: Program, names: Names): string[] {
  const weights = new Set(program.variables.map(({ value }) => value.id))
  return program.training.operations.flatMap(operation => {
    if (operation.kind === 'matMul') {
      return weights.has(operation.a.id) || weights.has(operation.b.id)
        ? [nameOf(names, operation.output)]
        : []
    }
    return operation.kind === 'addBias' ? [nameOf(names, operation.output)] : []
  })
}

/** Part `shard` of the batch; the last one takes the rest. */
function writeShard(graph: GraphDef, batch: string, count: string, shard: number, shards: number): string {
  if (shards === 1) return batch
  const int = (op: string, a: string, b: string) => graph.node(op, [a, b], { T: attr.type('DT_INT32') })
  const size = int('FloorDiv', count, graph.int(shards))
  const begin = int('Mul', size, graph.int(shard))
  const own = shard < shards - 1 ? size : int('Sub', count, begin)
  return graph.slice(batch, 'DT_INT32', asVector(graph, begin), asVector(graph, own))
}

function asVector(graph: GraphDef, scalar: string): string {
  return graph.reshape(scalar, 'DT_INT32', [1])
}

function addAll(graph: GraphDef, terms: readonly string[]): string {
  const [only] = terms
  if (terms.length === 1 && only !== undefined) return only
  return graph.node('AddN', terms, { N: attr.int(terms.length), T: attr.type('DT_FLOAT') })
}

/** One number of the fed `[steps, scalars]`. */
function writeScalar({ graph, scalars }: Context, step: number, index: number): string {
  const cell = graph.slice(scalars, 'DT_FLOAT', graph.ints([step, index]), graph.ints([1, 1]))
  return graph.reshape(cell, 'DT_FLOAT', [])
}

/** What a call of some steps gives: the results of all examples in order, and all variables changed. */
function writeResults(graph: GraphDef, call: string, steps: readonly StepResult[]): void {
  const predictions = steps.flatMap(step => step.predictions)
  const losses = steps.flatMap(step => step.losses)
  const changed = graph.concat(losses, `${call}/forward`)
  graph.identity(changed, steps.at(-1)?.done ?? [], NODE.losses(call))
  graph.concat(predictions, NODE.predictions(call))
}
