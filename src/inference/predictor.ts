import { type CompileNetwork, createCompiler } from '../mlp/forward/compile.ts'
import { buildInferenceProgram } from '../mlp/program.ts'
import type { LoadedArtifact } from '../models/artifact.ts'
import type { Manifest } from '../models/manifest.ts'
import { createEncoder, type RawFeatures, scaleTargets } from '../preprocessing/encoder.ts'
import { describeTableInput, type TableInput } from './table/table-input.ts'

/** A model that is ready to answer. */
export interface Predictor {
  manifest: Manifest
  /** What it takes, where features have names; else null. */
  table: TableInput | null
  /** Memory that it holds. */
  bytes: number
  /** Numbers of an answer: one for each class or target. */
  outputUnits: number
  /**
   * Computes without pause: `predictRows` cuts large requests up.
   * @param features - `[count, features]`, in the data's own units; cells of a table
   * @returns `[count, outputs]` float32: the probability of each class, or each target in its own units
   */
  predict(features: RawFeatures, count: number): Float32Array
  /** Lets its memory go, to the next model; `predict` throws from then on. */
  release(): void
}

/**
 * Makes a predictor of a stored model: the forward half of its program, compiled.
 * @param compile - to be shared by many predictors
 */
export function createPredictor(
  { manifest, weights }: LoadedArtifact,
  compile: CompileNetwork = createCompiler(),
): Predictor {
  const { preprocessing, input, kind, network } = manifest
  const { inputUnits, scaling, encode } = createEncoder(preprocessing, input.columns ?? null, input.shape)
  const program = buildInferenceProgram({ inputUnits, inputScaling: scaling, network })
  const { bytes, predict, release } = compile(program, weights)
  const standsForTwo = kind === 'classification' && program.outputUnits === 1
  return {
    manifest,
    table: describeTableInput(manifest),
    bytes,
    release,
    outputUnits: standsForTwo ? 2 : program.outputUnits,
    predict(features, count) {
      const outputs = predict(encode(features, count), count)
      return standsForTwo ? withComplement(outputs) : scaleTargets(preprocessing, outputs, 'toUnits')
    },
  }
}

/** One sigmoid unit gives the probability of the second class; the first has the rest. */
function withComplement(outputs: Float32Array): Float32Array {
  const both = new Float32Array(outputs.length * 2)
  outputs.forEach((second, example) => {
    both[example * 2] = 1 - second
    both[example * 2 + 1] = second
  })
  return both
}
