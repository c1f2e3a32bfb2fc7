import { AppError } from '../errors.ts'
import type { StoredVersion } from '../models/repository.ts'
import type { PredictorCache } from './predictor-cache.ts'
import type { Rows } from './rows.ts'

/**
 * The one way from features to probabilities; whatever a client speaks ends here.
 * @param version - as `resolveVersion` found it; the rows have its `inputShape`
 * @param pointer - where the rows stand in the request, for the error
 * @returns `[count, classes]` float32, row by row
 * @throws {AppError} MODEL_DAMAGED, INPUT_INVALID for numbers that overflow in the network
 */
export async function predictRows(
  { predictors }: { predictors: PredictorCache },
  version: StoredVersion,
  { count, features }: Rows,
  pointer = '/instances',
): Promise<Float32Array> {
  const predictor = await predictors.get(version)
  const probabilities = predictor.predict(features, count)
  const wrong = probabilities.findIndex(probability => !Number.isFinite(probability))
  if (wrong !== -1) throw overflow(`${pointer}/${Math.floor(wrong / version.classes.length)}`)
  return probabilities
}

function overflow(pointer: string): AppError {
  const detail = 'the input must be near the training data; its numbers overflow in the network'
  return new AppError('INPUT_INVALID', detail, { errors: [{ pointer, detail }] })
}
