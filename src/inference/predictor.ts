import { featureCount } from '../datasets/content.ts'
import { createInterpreter } from '../mlp/interpreter.ts'
import { buildInferenceProgram } from '../mlp/program.ts'
import type { LoadedArtifact } from '../models/artifact.ts'
import type { Manifest } from '../models/manifest.ts'
import { createEncoder, type RawFeatures, scaleTargets } from '../preprocessing/encoder.ts'

/** A model that is ready to answer. */
export interface Predictor {
  manifest: Manifest
  /** Memory that it holds, about. */
  bytes: number
  /**
   * @param features - `[count, features]`, in the data's own units; cells of a table
   * @returns `[count, classes]` float32: the probability of each class; of a regression `[count, targets]`
   */
  predict(features: RawFeatures, count: number): Float32Array
}

/** Examples that go through the network together; bounds the memory of a large request. */
const CHUNK = 64

/** Makes a predictor of a stored model: the forward half of its program on plain arrays. */
export function createPredictor({ manifest, weights }: LoadedArtifact): Predictor {
  const { preprocessing, input } = manifest
  const rawUnits = featureCount(input.shape)
  const encoder = createEncoder(preprocessing, input.columns ?? null, input.shape)
  const { inputUnits, scaling } = encoder
  const program = buildInferenceProgram({ inputUnits, inputScaling: scaling, network: manifest.network })
  const interpreter = createInterpreter(program.valueCount, Float32Array)
  let bytes = 0
  for (const variable of program.variables) {
    const array = weights.get(variable.name)
    if (!array) throw new Error(`the artifact must hold ${variable.name}`)
    interpreter.set(variable.value, array)
    bytes += array.byteLength
  }
  const { features: inputValue, operations, predictions } = program
  return {
    manifest,
    bytes,
    predict(features, count) {
      const outputs = new Float32Array(count * program.outputUnits)
      for (let from = 0; from < count; from += CHUNK) {
        const size = Math.min(CHUNK, count - from)
        const raw = features.subarray(from * rawUnits, (from + size) * rawUnits)
        const inputs = encoder.encode(raw, size)
        interpreter.set(inputValue, inputs instanceof Uint8Array ? Float32Array.from(inputs) : inputs)
        interpreter.run(operations, size)
        outputs.set(interpreter.get(predictions), from * program.outputUnits)
      }
      if (manifest.kind === 'regression') return scaleTargets(preprocessing, outputs, 'toUnits')
      const standsForTwo = manifest.kind === 'classification' && program.outputUnits === 1
      return standsForTwo ? withComplement(outputs) : outputs
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
