import { featureCount } from '../datasets/content.ts'
import { type CompileNetwork, createCompiler } from '../mlp/forward/compile.ts'
import { buildInferenceProgram } from '../mlp/program.ts'
import type { LoadedArtifact } from '../models/artifact.ts'
import type { Manifest } from '../models/manifest.ts'

/** A model that is ready to answer. */
export interface Predictor {
  manifest: Manifest
  /** Memory that it holds. */
  bytes: number
  /**
   * Computes without pause: `predictRows` cuts large requests up.
   * @param features - `[count, features]` float32, in the data's own units
   * @returns `[count, classes]` float32: the probability of each class
   */
  predict(features: Float32Array, count: number): Float32Array
}

/**
 * Makes a predictor of a stored model: the forward half of its program, compiled.
 * @param compile - to be shared by many predictors
 */
export function createPredictor(
  { manifest, weights }: LoadedArtifact,
  compile: CompileNetwork = createCompiler(),
): Predictor {
  const program = buildInferenceProgram({
    inputUnits: featureCount(manifest.input.shape),
    preprocessing: manifest.preprocessing,
    network: manifest.network,
  })
  const { bytes, predict } = compile(program, weights)
  return {
    manifest,
    bytes,
    predict: program.outputUnits === 1 ? (...input) => withComplement(predict(...input)) : predict,
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
