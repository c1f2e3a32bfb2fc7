import type { Layer } from '../../mlp/layers/registry.ts'
import type { ImportFormat } from '../origin.ts'
import type { OwnManifest } from './own-manifest.ts'

/** One thing that a model does, whatever format says so. `of` is what the file calls it, for messages. */
export type Step =
  /** y = x · scale + shift: the same for all features, or one number for each. */
  | { kind: 'affine'; of: string; scale: readonly number[]; shift: readonly number[] }
  /** Puts the axes of an example into one; the numbers stay in their order. */
  | { kind: 'flatten'; of: string }
  /** A layer of ours, with its weights by the last part of their names. */
  | { kind: 'layer'; of: string; layer: Layer; weights: ReadonlyMap<string, Float32Array> }
  /** [1 − y, y] for the only output y. */
  | { kind: 'complement'; of: string }

/** What a file says of its model, in order from the input to the output. */
export interface ModelFile {
  format: ImportFormat
  generatedBy: string | null
  /** Of an example, as the file has it. */
  inputShape: readonly number[]
  inputDtype: 'uint8' | 'float32'
  steps: readonly Step[]
  /** What stands beside an export of ours. */
  own: OwnManifest | null
}
