import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { PARAMETERS_MAX } from '../../../mlp/network.ts'
import { sizeOf } from '../../exports/exported-model.ts'
import { type Fields, quote } from '../parse-json.ts'
import { refuse } from '../refuse.ts'

/** What `model.json` says of its weights. @see tfjs-core/src/io/types.ts, WeightsManifestConfig */
const WeightsManifestSchema = Type.Array(
  Type.Object({
    paths: Type.Array(Type.String()),
    weights: Type.Array(
      Type.Object({
        name: Type.String(),
        shape: Type.Array(Type.Integer({ minimum: 0 })),
        dtype: Type.String(),
        quantization: Type.Optional(Type.Unknown()),
      }),
    ),
  }),
)

/** A weight of a file. */
export interface FileWeight {
  shape: readonly number[]
  values: Float32Array
}

/**
 * Cuts the files of weights up. Each group of weights has files of its own, which together are as long as its weights.
 * @param fileOf - gives the content of a file that is named
 * @throws {AppError} MODEL_FILE_INVALID
 */
export function readWeights(
  { weightsManifest }: Fields,
  fileOf: (path: string) => Buffer | undefined,
): Map<string, FileWeight> {
  if (!Value.Check(WeightsManifestSchema, weightsManifest)) {
    throw refuse('model.json must have a weightsManifest of paths and weights')
  }
  const found = new Map<string, FileWeight>()
  const used = new Set<Buffer>()
  const takeFile = (path: string) => {
    const file = fileOf(path) ?? missing(path)
    if (used.has(file))
      throw refuse(`each file of weights must be named once; ${quote(path)} is one more name`)
    used.add(file)
    return file
  }
  let numbers = 0
  for (const { paths, weights } of weightsManifest) {
    const bytes = Buffer.concat(paths.map(takeFile))
    let offset = 0
    for (const { name, shape, dtype, quantization } of weights) {
      if (dtype !== 'float32' || quantization !== undefined) {
        throw refuse(`weights must be float32 and not quantised; ${quote(name)} is ${quote(dtype)}`)
      }
      const size = sizeOf(shape)
      numbers += size
      if (numbers > PARAMETERS_MAX)
        throw refuse(`a model may have ${PARAMETERS_MAX} weights; this one has more`)
      if (offset + size * 4 > bytes.length) throw wrongLength(paths, offset + size * 4, bytes.length)
      if (found.has(name)) throw refuse(`the weight ${quote(name)} must be there once`)
      found.set(name, { shape, values: takeNumbers(bytes, offset, size) })
      offset += size * 4
    }
    if (offset !== bytes.length) throw wrongLength(paths, offset, bytes.length)
  }
  return found
}

/** A copy of little-endian numbers, which may stand anywhere in the bytes. */
export function takeNumbers(bytes: Uint8Array, offset: number, count: number): Float32Array {
  const from = bytes.byteOffset + offset
  return new Float32Array(bytes.buffer.slice(from, from + count * 4))
}

function missing(path: string): never {
  throw refuse(`the file of weights ${quote(path)} must be given`)
}

function wrongLength(paths: readonly string[], wanted: number, received: number) {
  return refuse(
    `the weights in ${quote(paths)} must have at least ${wanted} bytes, and no more than they say; received ${received}`,
  )
}
