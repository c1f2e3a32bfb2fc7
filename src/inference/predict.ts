import { featureCount } from '../datasets/content.ts'
import type { Database } from '../db/client.ts'
import type { StoredVersion, VersionReference } from '../models/repository.ts'
import type { VersionCache } from '../models/version-cache.ts'
import type { DecodeImage } from './decode-image.ts'
import { predictRows } from './predict-rows.ts'
import type { PredictorCache } from './predictor-cache.ts'
import { rankClasses } from './rank-classes.ts'
import { type PredictionInputs, type Rows, toRows } from './rows.ts'
import type { PredictionResponse } from './schemas.ts'

/** What predicting works with. */
export interface PredictDeps {
  db: Database
  versions: VersionCache
  predictors: PredictorCache
  decodeImage: DecodeImage
}

/** How to answer. */
export interface PredictOptions {
  topK: number
  includeInput: boolean
}

/**
 * Answers inputs with the classes they most probably are.
 * @throws {AppError} of `VersionCache.resolve`, MODEL_DAMAGED, IMAGE_INVALID and INPUT_INVALID with the index of the input
 */
export async function predict(
  deps: PredictDeps,
  name: string,
  reference: VersionReference,
  inputs: PredictionInputs,
  options: PredictOptions,
): Promise<PredictionResponse> {
  const version = await deps.versions.resolve(name, reference)
  const rows = await toRows(deps.decodeImage, inputs, version.inputShape)
  return toResponse(version, rows, await predictRows(deps, version, rows), options)
}

function toResponse(
  { name, version, classes, inputShape: shape }: StoredVersion,
  { count, features }: Rows,
  probabilities: Float32Array,
  { topK, includeInput }: PredictOptions,
): PredictionResponse {
  const units = featureCount(shape)
  return {
    model: { name, version },
    predictions: Array.from({ length: count }, (_, index) => {
      const own = probabilities.subarray(index * classes.length, (index + 1) * classes.length)
      const top = rankClasses(own, classes, topK)
      const [best = { label: '', probability: 0 }] = top
      const values = () => Array.from(features.subarray(index * units, (index + 1) * units))
      return { ...best, top, ...(includeInput && { input: { shape, values: values() } }) }
    }),
  }
}
