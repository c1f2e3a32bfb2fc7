import { createCompiler } from '../mlp/forward/compile.ts'
import { type Artifact, readArtifact } from '../models/artifact.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { createPredictor, type Predictor } from './predictor.ts'

/** Where a model is: in memory for as long as there is room, in memory before all others, or on disk only. */
export type PredictorState = 'loaded' | 'pinned' | 'stored'

/** What all predictors in memory take. */
export interface PredictorMemory {
  readonly bytes: number
}

/**
 * Predictors by the hash of their artifact. One is to be used at once: after a pause it may have made room for others,
 * and must be got again before it predicts.
 */
export interface PredictorCache extends PredictorMemory {
  /** @throws {AppError} MODEL_DAMAGED */
  get(artifact: Pick<Artifact, 'sha256' | 'files'>): Promise<Predictor>
  /** The predictor when it is in memory; null when it must be loaded first. */
  find(sha256: string): Predictor | null
  /**
   * Loads a model and lets others go first when room is needed; it goes too when pinned ones alone are too many.
   * @throws {AppError} MODEL_DAMAGED
   */
  pin(artifact: Pick<Artifact, 'sha256' | 'files'>): Promise<void>
  /** Forgets a model, pinned or not; the next `get` reads it again. */
  evict(sha256: string): void
  stateOf(sha256: string): PredictorState
}

/**
 * Keeps the predictors used last, up to `bytesMax` of their memory; the one used longest ago goes first, pinned ones
 * after all others. Requests that come while a model is read share one reading. A model takes its place only after its
 * files were checked against their hashes and it has predicted once: one that cannot displaces nothing.
 */
export function createPredictorCache(blobs: BlobStore, bytesMax: number): PredictorCache {
  const compile = createCompiler()
  const ready = new Map<string, Predictor>() // in order of use
  const loading = new Map<string, Promise<Predictor>>()
  const pinned = new Set<string>()
  let bytes = 0

  const evict = (sha256: string) => {
    const predictor = ready.get(sha256)
    bytes -= predictor?.bytes ?? 0
    predictor?.release()
    ready.delete(sha256)
    pinned.delete(sha256)
  }

  const makeRoom = (newest: string) => {
    for (const isPinned of [false, true]) {
      for (const sha256 of ready.keys()) {
        if (bytes <= bytesMax) return
        if (sha256 !== newest && pinned.has(sha256) === isPinned) evict(sha256)
      }
    }
  }

  const load = async ({ sha256, files }: Pick<Artifact, 'sha256' | 'files'>): Promise<Predictor> => {
    const artifact = await readArtifact(blobs, files)
    const predictor = createPredictor(artifact, compile)
    const zeros = artifact.manifest.input.shape.reduce((product, length) => product * length, 1)
    predictor.predict(new Float32Array(zeros), 1)
    ready.set(sha256, predictor)
    bytes += predictor.bytes
    makeRoom(sha256)
    return predictor
  }

  const find = (sha256: string): Predictor | null => {
    const found = ready.get(sha256)
    if (!found) return null
    ready.delete(sha256)
    ready.set(sha256, found)
    return found
  }

  const get = async (artifact: Pick<Artifact, 'sha256' | 'files'>): Promise<Predictor> => {
    const found = find(artifact.sha256)
    if (found) return found
    const pending = loading.get(artifact.sha256) ?? load(artifact)
    loading.set(artifact.sha256, pending)
    try {
      return await pending
    } finally {
      loading.delete(artifact.sha256)
    }
  }

  return {
    get,
    find,
    evict,
    async pin(artifact) {
      await get(artifact)
      if (ready.has(artifact.sha256)) pinned.add(artifact.sha256)
    },
    stateOf: sha256 => (pinned.has(sha256) ? 'pinned' : ready.has(sha256) ? 'loaded' : 'stored'),
    get bytes() {
      return bytes
    },
  }
}
