import { AppError } from '../errors.ts'
import { isModelVariable } from '../mlp/graph.ts'
import type { Program } from '../mlp/program.ts'
import { BlobDamagedError, type BlobStore } from '../storage/blob-store.ts'
import { type Manifest, parseManifest } from './manifest.ts'
import { toLayersModel } from './tfjs-layers.ts'

/** The files of an artifact, each a blob. */
export const ARTIFACT_FILES = ['model.json', 'weights.bin', 'manifest.json'] as const

/** The name of a file of an artifact. */
export type ArtifactFile = (typeof ARTIFACT_FILES)[number]

/** A stored artifact. */
export interface Artifact {
  /** Hash of the manifest, which holds the hashes of the others. */
  sha256: string
  bytes: number
  files: Record<ArtifactFile, string>
}

/**
 * Stores a model: tfjs Layers `model.json` and `weights.bin`, and the manifest.
 * @param weights - every weight of the program, by name
 */
export async function writeArtifact(
  blobs: BlobStore,
  program: Pick<Program, 'variables'>,
  weights: ReadonlyMap<string, Float32Array>,
  description: Omit<Manifest, 'weights' | 'files' | 'format'>,
): Promise<Artifact> {
  const variables = program.variables.filter(isModelVariable)
  const unsigned = {
    ...description,
    format: 'trainyard-model/1' as const,
    weights: variables.map(({ name, shape }) => ({ name, shape: [...shape] })),
  }
  const arrays = variables.map(({ name }) => weights.get(name) ?? new Float32Array())
  const bytes = Buffer.concat(
    arrays.map(array => Buffer.from(array.buffer, array.byteOffset, array.byteLength)),
  )
  const model = await blobs.put(Buffer.from(JSON.stringify(toLayersModel(unsigned))))
  const data = await blobs.put(bytes)
  const files = { 'model.json': model.sha256, 'weights.bin': data.sha256 }
  const manifest = await blobs.put(Buffer.from(JSON.stringify({ ...unsigned, files }, null, 2)))
  return {
    sha256: manifest.sha256,
    bytes: model.bytes + data.bytes + manifest.bytes,
    files: { ...files, 'manifest.json': manifest.sha256 },
  }
}

/** A model read back: what it is, and its weights by name. */
export interface LoadedArtifact {
  manifest: Manifest
  weights: ReadonlyMap<string, Float32Array>
}

/**
 * Reads a model and checks every byte of it against its hash.
 * @throws {AppError} MODEL_DAMAGED
 */
export async function readArtifact(
  blobs: BlobStore,
  files: Record<ArtifactFile, string>,
): Promise<LoadedArtifact> {
  try {
    const manifest = parseManifest((await blobs.read(files['manifest.json'])).toString('utf8'))
    const data = await blobs.read(files['weights.bin'])
    const weights = new Map<string, Float32Array>()
    let offset = 0
    for (const { name, shape } of manifest.weights) {
      const length = shape.reduce((product, dimension) => product * dimension, 1)
      weights.set(name, toFloat32(data.subarray(offset, offset + length * 4)))
      offset += length * 4
    }
    return { manifest, weights }
  } catch (error) {
    throw asDamagedModel(error)
  }
}

/** The same memory where it is aligned, as that of a whole file is. */
function toFloat32({ buffer, byteOffset, byteLength }: Buffer): Float32Array {
  return byteOffset % 4 === 0
    ? new Float32Array(buffer, byteOffset, byteLength / 4)
    : new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength))
}

/** What a model is, without its weights. @throws {AppError} MODEL_DAMAGED */
export async function readManifest(blobs: BlobStore, files: Record<ArtifactFile, string>): Promise<Manifest> {
  return parseManifest((await readArtifactFile(blobs, files['manifest.json'])).toString('utf8'))
}

/** One file of an artifact, checked against its hash. @throws {AppError} MODEL_DAMAGED */
export async function readArtifactFile(blobs: BlobStore, sha256: string): Promise<Buffer> {
  try {
    return await blobs.read(sha256)
  } catch (error) {
    throw asDamagedModel(error)
  }
}

function asDamagedModel(cause: unknown): unknown {
  if (!(cause instanceof BlobDamagedError)) return cause
  return new AppError('MODEL_DAMAGED', `the stored files of this version are damaged: ${cause.message}`, {
    cause,
  })
}
