import { AssertionError } from 'node:assert'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Program } from '../../../src/mlp/program.ts'
import { type SplitProgram, splitKernels } from '../../../src/mlp/split-kernels.ts'
import type { ExampleResults, Examples, Session, TrainingState, TrainRequest } from '../engine.ts'
import { initialState } from '../initial-state.ts'
import type { Binding } from './binding.ts'
import { NODE, scalarsOf, writeTrainingGraph } from './training-graph.ts'

/** Steps of one call: fewer cost more for each call, more make the graph longer to compile (docs/performance.md). */
const STEPS_PER_CALL = 8

/** A batch smaller than this is not worth cutting up. */
const SHARD_EXAMPLES_MIN = 32

/** A graph in TensorFlow. */
interface Graph {
  id: number
  batchSize: number
  /** What it runs. */
  split: SplitProgram
}

/**
 * A training as a TensorFlow graph. The graph is written when the first call tells the batch size; the data and
 * the variables then live in the session, and a call feeds indices and scalars and fetches losses and predictions.
 */
export function openTensorflowSession(
  binding: Binding,
  program: Program,
  seed: number,
  threads: number,
): Session {
  const splits = new Map<string, Examples>()
  /** Variables while no graph holds them. */
  let state: TrainingState = initialState(program, seed)
  let graph: Graph | null = null

  const run = (id: number, feeds: readonly Feed[], fetches: readonly string[]): Float32Array[] => {
    const inputs = feeds.map(feed => binding.createTensor(feed.shape, feed.type, feed.data))
    const names = feeds.map(feed => `${feed.name}:0`).join()
    try {
      const outputs = binding.runSavedModel(id, inputs, names, fetches.map(name => `${name}:0`).join())
      try {
        return outputs.map(output => binding.tensorDataSync(output.id))
      } finally {
        for (const output of outputs) binding.deleteTensor(output.id)
      }
    } finally {
      for (const input of inputs) binding.deleteTensor(input)
    }
  }
  // Bytes are fed as a string and decoded in the graph: TensorFlow may share the memory of other fed tensors, and
  // a variable that keeps such a one would see it freed.
  const bytes = (name: string, { buffer, byteOffset, byteLength }: ArrayBufferView): Feed => ({
    name: NODE.bytes(name),
    shape: [],
    type: binding.TF_STRING,
    data: [new Uint8Array(buffer, byteOffset, byteLength)],
  })

  const close = () => {
    if (graph) binding.deleteSavedModel(graph.id)
    graph = null
  }
  const open = (batchSize: number): Graph => {
    if (graph?.batchSize === batchSize) return graph
    const kept = exportState()
    close()
    const resident = [...splits].map(([name, { features }]) => ({
      name,
      dtype: dtypeOf({ features }),
    }))
    const shards = Math.max(1, Math.min(threads, Math.floor(batchSize / SHARD_EXAMPLES_MIN)))
    const split = splitKernels(program, shards)
    const plan = {
      program: split.program,
      seed,
      splits: resident,
      batchSize,
      stepsPerCall: STEPS_PER_CALL,
      shards,
    }
    const id = loadGraph(binding, writeTrainingGraph(plan).toSavedModel())
    for (const [name, examples] of splits) writeExamples(id, name, examples)
    graph = { id, batchSize, split }
    writeVariables(graph, kept)
    return graph
  }
  const writeExamples = (id: number, split: string, { features, labels }: Examples) => {
    const feeds = [bytes(NODE.features(split), features), bytes(NODE.labels(split), labels)]
    run(id, feeds, [NODE.loadSplit(split)])
  }
  const writeVariables = ({ id, split }: Graph, variables: TrainingState) => {
    const feeds = [...split.split(variables)].map(([name, array]) => bytes(name, array))
    run(id, feeds, [NODE.loadVariables])
  }
  const exportState = (): TrainingState => {
    if (!graph) return new Map([...state].map(([name, array]) => [name, array.slice()]))
    const { id, split } = graph
    const names = split.program.variables.map(({ name }) => name)
    const arrays = run(id, [], names.map(NODE.readVariable))
    return split.join(new Map(names.map((name, index) => [name, arrays[index] ?? new Float32Array()])))
  }
  const indicesFeed = (indices: Int32Array): Feed => ({
    name: NODE.indices,
    shape: [indices.length],
    type: binding.TF_INT32,
    data: indices.slice(), // its own memory, for as long as TensorFlow needs it
  })
  const stepFeeds = (firstStep: number, steps: number, learningRateAt: (step: number) => number): Feed[] => {
    const rows = Array.from({ length: steps }, (_, index) =>
      scalarsOf(program, firstStep + index, learningRateAt(firstStep + index)),
    )
    return [
      {
        name: NODE.scalars,
        shape: [steps, program.scalars.length + 1],
        type: binding.TF_FLOAT,
        data: Float32Array.from(rows.flat()),
      },
      { name: NODE.firstStep, shape: [], type: binding.TF_INT32, data: Int32Array.of(firstStep) },
    ]
  }

  return {
    load(split, examples) {
      const before = splits.get(split)
      splits.set(split, examples)
      if (!graph) return
      if (before && dtypeOf(before) === dtypeOf(examples)) return writeExamples(graph.id, split, examples)
      state = exportState()
      close()
    },
    train({ indices, batchSize, firstStep, learningRateAt }: TrainRequest) {
      const { id } = open(batchSize)
      const results = emptyResults(indices.length, program.outputUnits)
      let step = firstStep
      for (let from = 0; from < indices.length; ) {
        const isWhole = from + STEPS_PER_CALL * batchSize <= indices.length
        const [call, steps] = isWhole ? ([NODE.steps, STEPS_PER_CALL] as const) : ([NODE.step, 1] as const)
        const part = indices.subarray(from, from + steps * batchSize)
        const feeds = [indicesFeed(part), ...stepFeeds(step, steps, learningRateAt)]
        copyResults(
          run(id, feeds, [NODE.losses(call), NODE.predictions(call)]),
          results,
          from,
          program.outputUnits,
        )
        from += part.length
        step += steps
      }
      return results
    },
    evaluate(split, indices) {
      const { id } = graph ?? open(SHARD_EXAMPLES_MIN)
      const results = emptyResults(indices.length, program.outputUnits)
      const call = NODE.evaluate(split)
      const fetches = [NODE.losses(call), NODE.predictions(call)]
      copyResults(run(id, [indicesFeed(indices)], fetches), results, 0, program.outputUnits)
      return results
    },
    exportState,
    importState(imported) {
      for (const { name, shape } of program.variables) {
        const size = shape.reduce((product, dimension) => product * dimension, 1)
        if (imported.get(name)?.length !== size) {
          throw new AssertionError({ message: `the state needs ${size} numbers of ${name}` })
        }
      }
      if (graph) writeVariables(graph, imported)
      else state = new Map(imported)
    },
    close() {
      close()
      splits.clear()
    },
  }
}

function dtypeOf({ features }: Pick<Examples, 'features'>): 'uint8' | 'float32' {
  return features instanceof Uint8Array ? 'uint8' : 'float32'
}

interface Feed {
  name: string
  shape: number[]
  type: number
  data: unknown
}

/** TensorFlow takes a graph only from a folder, which is gone when this returns. */
function loadGraph(binding: Binding, savedModel: string): number {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'trainyard-graph-'))
  try {
    writeFileSync(path.join(folder, 'saved_model.pbtxt'), savedModel)
    return binding.loadSavedModel(folder, 'serve')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function emptyResults(count: number, outputUnits: number): ExampleResults {
  return { losses: new Float32Array(count), predictions: new Float32Array(count * outputUnits) }
}

function copyResults(
  fetched: readonly Float32Array[],
  results: ExampleResults,
  from: number,
  units: number,
): void {
  const [losses, predictions] = fetched
  if (losses) results.losses.set(losses, from)
  if (predictions) results.predictions.set(predictions, from * units)
}
