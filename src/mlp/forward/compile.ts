import { unitsOf } from '../graph.ts'
import { createInterpreter, type Interpreter } from '../interpreter.ts'
import { type ComputeOperation, operandsOf, type Value } from '../operations.ts'
import type { InferenceProgram } from '../program.ts'
import { type AffineStep, fuseOperations, type Step } from './fuse.ts'
import { ENTRY_BYTES, type Kernels } from './kernels.ts'
import { divideProgram } from './known-values.ts'
import { type Layout, layOut } from './layout.ts'
import { createWorkspaces, type Workspace, type Workspaces } from './workspaces.ts'

/** A network that is ready to predict. */
export interface CompiledNetwork {
  /** Memory that it holds: weights, and room for the examples at work. */
  bytes: number
  /**
   * Computes the predictions of examples, without pause.
   * @param features - `[count, inputUnits]` float32 or uint8, row by row
   * @returns `[count, outputUnits]` float32
   */
  predict(features: Float32Array | Uint8Array, count: number): Float32Array
  /** Lets its memory go, to the next network; `predict` throws from then on. */
  release(): void
}

/**
 * Makes a network ready.
 * @param weights - every variable of the program, by name
 */
export type CompileNetwork = (
  program: InferenceProgram,
  weights: ReadonlyMap<string, Float32Array>,
) => CompiledNetwork

/** Examples that go through the network together, so that weights come into the processor's cache once for all. */
const ROWS_MAX = 8
const UNIT_BYTES = 4

/**
 * A compiler of programs; the kernels that all networks share are compiled once. Weights are folded and laid out in
 * panels in a memory where the kernels multiply; what is no matrix is run by the interpreter on the same memory.
 * Nothing is allocated for a prediction but its result. What lives as long as a network is made by functions that know places, not
 * arrays of weights: a closure holds on to all that its neighbours see, and each model would be in memory twice.
 */
export function createCompiler(): CompileNetwork {
  const workspaces = createWorkspaces()
  return (program, weights) => {
    const divided = divideProgram(program, weights)
    const steps = fuseOperations(divided, program.predictions)
    const layout = layOut(steps.filter(isAffine), program.features, ROWS_MAX)
    const workspace = workspaces.take(layout.bytes)
    layout.fill(workspace.memory)
    const values = placeValues(program, steps, layout, workspace.memory)
    const interpreter = createInterpreter(program.valueCount, Float32Array)
    for (const value of steps.flatMap(operandsOfStep)) {
      const numbers = divided.known.get(value.id)
      if (numbers) interpreter.set(value, Float32Array.from(numbers))
    }
    for (const [value, viewOf] of values) interpreter.place(value, viewOf(ROWS_MAX))
    const runs = steps.map(step =>
      isAffine(step)
        ? affineRun(
            step,
            layout,
            workspace.kernels,
            publisher(interpreter, step.output, viewOf(values, step.output)),
          )
        : interpretedRun(step, interpreter),
    )
    return hold(
      workspaces,
      workspace,
      createPredict(program, interpreter, viewOf(values, program.features), runs),
    )
  }
}

/** A network for as long as it is needed. */
function hold(
  workspaces: Workspaces,
  workspace: Workspace,
  compute: CompiledNetwork['predict'],
): CompiledNetwork {
  let predict: CompiledNetwork['predict'] | null = compute
  return {
    bytes: workspace.memory.buffer.byteLength,
    predict(features, count) {
      if (!predict) throw new Error('a network that was released cannot predict')
      return predict(features, count)
    },
    release() {
      if (predict) workspaces.give(workspace)
      predict = null
    },
  }
}

function createPredict(
  { inputUnits, outputUnits, features: input, predictions }: InferenceProgram,
  interpreter: Interpreter,
  inputsOf: (rows: number) => Float32Array,
  runs: readonly Run[],
): CompiledNetwork['predict'] {
  return (features, count) => {
    const outputs = new Float32Array(count * outputUnits)
    for (let from = 0; from < count; from += ROWS_MAX) {
      const rows = Math.min(ROWS_MAX, count - from)
      const inputs = inputsOf(rows)
      inputs.set(rows === count ? features : features.subarray(from * inputUnits, (from + rows) * inputUnits))
      interpreter.set(input, inputs)
      for (const run of runs) run(rows)
      outputs.set(interpreter.get(predictions), from * outputUnits)
    }
    return outputs
  }
}

type Run = (rows: number) => void

/** One operation that is no matrix. */
function interpretedRun(operation: ComputeOperation, interpreter: Interpreter): Run {
  const operations = [operation]
  return rows => interpreter.run(operations, rows)
}

/** Tells the interpreter where a kernel has left its numbers. */
function publisher(interpreter: Interpreter, output: Value, view: ViewOf): Run {
  return rows => interpreter.set(output, view(rows))
}

/** The kernels' calls for one matrix. */
function affineRun(step: AffineStep, layout: Layout, kernels: Kernels, publish: Run): Run {
  const { floor } = step
  const { lists } = layout
  const [x, y] = [layout.placeOf(step.x), layout.placeOf(step.output)]
  const [xBytes, yBytes] = [unitsOf(step.x) * UNIT_BYTES, unitsOf(step.output) * UNIT_BYTES]
  const listBytes = unitsOf(step.x) * ENTRY_BYTES
  const panels = layout.panelsOf(step).map(({ isWide, column, weights, bias }) => ({
    multiply: isWide ? kernels.wide : kernels.narrow,
    ...{ weights, bias, y: y + column * UNIT_BYTES },
  }))
  const ends = new Int32Array(ROWS_MAX)
  return rows => {
    for (let row = 0; row < rows; row++) {
      const from = x + row * xBytes
      ends[row] = kernels.gather(from, from + xBytes, lists + row * listBytes)
    }
    for (const { multiply, weights, bias, y } of panels) {
      for (let row = 0; row < rows; row++) {
        multiply(lists + row * listBytes, ends[row] ?? 0, weights, bias, y + row * yBytes, floor)
      }
    }
    publish(rows)
  }
}

type ViewOf = (rows: number) => Float32Array

/** The values that kernels read or write, as arrays on the memory: one for each number of examples, made when it first comes. */
function placeValues(
  program: InferenceProgram,
  steps: readonly Step[],
  layout: Layout,
  { buffer }: WebAssembly.Memory,
): Map<Value, ViewOf> {
  const values = [program.features, ...steps.filter(isAffine).flatMap(({ x, output }) => [x, output])]
  return new Map(values.map(value => [value, viewsAt(buffer, layout.placeOf(value), unitsOf(value))]))
}

function viewsAt(buffer: ArrayBuffer, place: number, units: number): ViewOf {
  const views: (Float32Array | undefined)[] = []
  return rows => (views[rows] ??= new Float32Array(buffer, place, rows * units))
}

function viewOf(values: ReadonlyMap<Value, ViewOf>, value: Value): ViewOf {
  return values.get(value) ?? (() => new Float32Array())
}

function isAffine(step: Step): step is AffineStep {
  return step.kind === 'affine'
}

function operandsOfStep(step: Step): Value[] {
  return isAffine(step) ? [] : operandsOf(step)
}
