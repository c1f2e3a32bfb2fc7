import { type Artifact, readArtifact } from '../models/artifact.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { createPredictor, type Predictor } from './predictor.ts'

/** Predictors by the hash of their artifact. */
export interface PredictorCache {
  /** @throws {AppError} MODEL_DAMAGED */
  get(artifact: Pick<Artifact, 'sha256' | 'files'>): Promise<Predictor>
}

/**
 * Keeps the predictors used last, up to `bytesMax` of weights; the one used longest ago goes first. Requests that
 * come while a model is read share one reading; a model that cannot be read displaces nothing.
 */
export function createPredictorCache(blobs: BlobStore, bytesMax: number): PredictorCache {
  const ready = new Map<string, Predictor>() // in order of use
  const loading = new Map<string, Promise<Predictor>>()
  let bytes = 0

  const load = async ({ sha256, files }: Pick<Artifact, 'sha256' | 'files'>): Promise<Predictor> => {
    const predictor = createPredictor(await readArtifact(blobs, files))
    ready.set(sha256, predictor)
    bytes += predictor.bytes
    for (const [oldest, { bytes: freed }] of ready) {
      if (bytes <= bytesMax || ready.size === 1) break
      ready.delete(oldest)
      bytes -= freed
    }
    return predictor
  }

  return {
    async get(artifact) {
      const found = ready.get(artifact.sha256)
      if (found) {
        ready.delete(artifact.sha256)
        ready.set(artifact.sha256, found)
        return found
      }
      const pending = loading.get(artifact.sha256) ?? load(artifact)
      loading.set(artifact.sha256, pending)
      try {
        return await pending
      } finally {
        loading.delete(artifact.sha256)
      }
    },
  }
}
