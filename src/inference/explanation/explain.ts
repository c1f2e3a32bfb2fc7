import { featureCount } from '../../datasets/content.ts'
import { createInterpreter } from '../../mlp/interpreter.ts'
import { buildSaliencyProgram } from '../../mlp/saliency.ts'
import { readArtifact } from '../../models/artifact.ts'
import type { StoredVersion } from '../../models/repository.ts'
import { createEncoder } from '../../preprocessing/encoder.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import type { Rows } from '../rows.ts'

/**
 * What each feature of each row did for the class that it is taken for: gradient × input. Reads the files of the model
 * each time, for an explanation is asked for seldom, and keeps nothing.
 * @param classes - by number, one for each row
 * @returns `[count, features]`, positive where the feature speaks for the class
 * @throws {AppError} MODEL_DAMAGED
 */
export async function explainRows(
  blobs: BlobStore,
  version: StoredVersion,
  { count, features }: Rows,
  classes: readonly number[],
): Promise<Float32Array[]> {
  const { manifest, weights } = await readArtifact(blobs, version.files)
  const inputUnits = featureCount(manifest.input.shape)
  const { preprocessing, network, input } = manifest
  const { scaling, encode } = createEncoder(preprocessing, input.columns ?? null, input.shape)
  const program = buildSaliencyProgram({ inputUnits, inputScaling: scaling, network })
  const interpreter = createInterpreter(program.valueCount, Float32Array)
  for (const { name, value } of program.variables) {
    const array = weights.get(name)
    if (!array) throw new Error(`the artifact must hold ${name}`)
    interpreter.set(value, array)
  }
  interpreter.set(program.features, Float32Array.from(encode(features, count)))
  interpreter.set(program.labels, Float32Array.from(classes))
  interpreter.run(program.operations, count)
  const saliency = interpreter.get(program.saliency)
  const units = saliency.length / count
  return Array.from({ length: count }, (_, row) =>
    Float32Array.from(saliency.subarray(row * units, (row + 1) * units)),
  )
}
