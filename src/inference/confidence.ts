import { AppError } from '../errors.ts'
import { applyTemperature } from '../mlp/temperature.ts'
import type { StoredVersion } from '../models/repository.ts'

/**
 * Probabilities that are as sure as the model is right, by the temperature that was fitted when it was trained.
 * @param probabilities - `[count, classes]`, as the network gave them; they stay as they are
 * @throws {AppError} CALIBRATION_NOT_AVAILABLE
 */
export function calibrateProbabilities(
  { name, version, classes, temperature }: StoredVersion,
  probabilities: Float32Array,
): Float32Array {
  if (temperature === null) {
    throw new AppError(
      'CALIBRATION_NOT_AVAILABLE',
      `calibrated=true needs a version with a temperature, which is fitted on validation examples; ${name} ${version} has none`,
    )
  }
  return applyTemperature(probabilities, classes.length, temperature)
}
