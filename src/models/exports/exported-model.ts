import type { LoadedArtifact } from '../artifact.ts'

/** A version that is to be exported: what was read back and checked, and what it is called. */
export interface ExportedModel extends LoadedArtifact {
  name: string
  version: number
  /** The manifest as it is stored, byte for byte. */
  manifestText: string
  createdAt: Date
}

/** A file of an export. */
export interface ExportedFile {
  /** Its path in the archive. */
  name: string
  content: Uint8Array
}

/** The bytes of numbers, which every machine that runs this has little-endian. */
export function bytesOf(array: Float32Array | Float64Array | Int32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

/** What the outputs of an exported network are called. */
export function outputNameOf({ manifest }: Pick<ExportedModel, 'manifest'>): 'values' | 'probabilities' {
  return manifest.kind === 'regression' ? 'values' : 'probabilities'
}

/** Numbers of a tensor. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1)
}
