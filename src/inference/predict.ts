import { featureCount } from '../datasets/content.ts'
import type { Database } from '../db/client.ts'
import type { StoredVersion, VersionReference } from '../models/repository.ts'
import type { VersionCache } from '../models/version-cache.ts'
import type { DecodeImage } from './decode-image.ts'
import { predictRows } from './predict-rows.ts'
import type { PredictorCache } from './predictor-cache.ts'
import { rankClasses, rankIndices } from './rank-classes.ts'
import { type PredictionInputs, type Rows, toRows } from './rows.ts'
import type { Prediction, PredictionResponse } from './schemas.ts'
import type { Turns, Work } from './turns.ts'

/** What predicting works with. */
export interface PredictDeps {
  db: Database
  versions: VersionCache
  predictors: PredictorCache
  decodeImage: DecodeImage
  turns: Turns
}

/** How to answer. */
export interface PredictOptions {
  topK: number
  /** Without them, labels only. */
  probabilities: boolean
  includeInput: boolean
  /** By `performance.now()`; Infinity: no haste. */
  deadlineMs: number
}

/** The answer, piece by piece, with turns for other requests between two pieces. */
export interface PredictionPieces {
  model: PredictionResponse['model']
  pieces: AsyncGenerator<Prediction[]>
}

/** Predictions of a piece. */
const PIECE = 128

/**
 * Answers inputs with the classes they most probably are.
 * @throws {AppError} of `VersionCache.resolve`, MODEL_DAMAGED, DEADLINE_EXCEEDED, OVERLOADED, and IMAGE_INVALID and
 *   INPUT_INVALID with the index of the input
 */
export async function predict(
  deps: PredictDeps,
  name: string,
  reference: VersionReference,
  inputs: PredictionInputs,
  options: PredictOptions,
): Promise<PredictionPieces> {
  const work = deps.turns.begin(options.deadlineMs)
  const version = await deps.versions.resolve(name, reference)
  const rows = await toRows(deps.decodeImage, inputs, version.inputShape, work)
  const probabilities = await predictRows(deps, version, rows, '/instances', work)
  return {
    model: { name: version.name, version: version.version },
    pieces: describe(version, rows, probabilities, options, work),
  }
}

async function* describe(
  { classes, inputShape: shape }: StoredVersion,
  { count, features }: Rows,
  probabilities: Float32Array,
  options: PredictOptions,
  work: Work,
): AsyncGenerator<Prediction[]> {
  const units = featureCount(shape)
  for (let from = 0; from < count; from += PIECE) {
    if (work.isOver()) await work.next()
    yield Array.from({ length: Math.min(PIECE, count - from) }, (_, offset) => {
      const index = from + offset
      const own = probabilities.subarray(index * classes.length, (index + 1) * classes.length)
      const prediction: Prediction = describeOne(own, classes, options)
      if (options.includeInput) {
        prediction.input = {
          shape,
          values: Array.from(features.subarray(index * units, (index + 1) * units)),
        }
      }
      return prediction
    })
  }
}

function describeOne(
  probabilities: Float32Array,
  classes: readonly string[],
  options: PredictOptions,
): Prediction {
  if (!options.probabilities) {
    const [best = 0] = rankIndices(probabilities, 1)
    return { label: classes[best] ?? '' }
  }
  const top = rankClasses(probabilities, classes, options.topK)
  const [best = { label: '', probability: 0 }] = top
  return { label: best.label, probability: best.probability, top }
}
