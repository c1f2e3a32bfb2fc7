import type { Program } from '../../src/mlp/program.ts'
import type { Targets } from '../../src/mlp/task.ts'

/** Examples in memory: row-major features, and what is to be learnt of each. */
export interface Examples {
  /** `[count, features]`. */
  features: Uint8Array | Float32Array
  /** Class numbers, `[count]`; of other tasks `[count, outputUnits]`. */
  labels: Targets
}

/** What a program gave for some examples, in the order asked for. */
export interface ExampleResults {
  /** `[count]` float32. */
  losses: Float32Array
  /** `[count, outputUnits]` float32. */
  predictions: Float32Array
}

/** A run of training steps. */
export interface TrainRequest {
  /** The split the examples come from. */
  split: string
  /** The examples, by index: the first `batchSize` make the first step, and so on; the last may be short. */
  indices: Int32Array
  batchSize: number
  /** Number of the first step, counted over the whole training; the first of all is 1. */
  firstStep: number
  learningRateAt(step: number): number
}

/** Every tensor of a training, weights and optimizer slots, by variable name; float32, row by row. */
export type TrainingState = ReadonlyMap<string, Float32Array>

/**
 * One training in progress. Calls run to their end on the caller's thread; the caller sizes them so that it can
 * listen in between.
 */
export interface Session {
  /** Hands in the examples of a split, in place of earlier ones of that name. The arrays are not copied. */
  load(split: string, examples: Examples): void
  /** Runs the steps, and gives losses and predictions as they were in the forward pass of each. */
  train(request: TrainRequest): ExampleResults
  /** Forward only, with the present weights. */
  evaluate(split: string, indices: Int32Array): ExampleResults
  /** A copy of every variable. */
  exportState(): TrainingState
  /** Replaces every variable. @throws AssertionError when one is missing or of another size */
  importState(state: TrainingState): void
  /** Frees what the session holds. */
  close(): void
}

/** A way to execute programs. */
export interface Engine {
  readonly name: 'portable' | 'tensorflow'
  /** What computes: `cpu`, or the GPU's name. */
  readonly device: string
  /** Versions of the parts that decide about results, for the manifest. */
  readonly versions: Readonly<Record<string, string>>
  /** Opens a session whose variables are drawn from the seed. */
  open(program: Program, seed: number): Session
}
