import { featureCount } from '../datasets/content.ts'
import type { Database } from '../db/client.ts'
import { AppError } from '../errors.ts'
import { resolveVersion, type StoredVersion, type VersionReference } from '../models/repository.ts'
import type { DecodeImage } from './decode-image.ts'
import type { Predictor } from './predictor.ts'
import type { PredictorCache } from './predictor-cache.ts'
import { rankClasses } from './rank-classes.ts'
import type { PredictionResponse } from './schemas.ts'

/** What predicting works with. */
export interface PredictDeps {
  db: Database
  predictors: PredictorCache
  decodeImage: DecodeImage
}

/** What a client posted: image files, or numbers in any nesting; with the place of each for errors. */
export type PredictionInputs =
  | { kind: 'images'; images: { pointer: string; content: Buffer }[] }
  | { kind: 'instances'; instances: readonly unknown[][] }

/** How to answer. */
export interface PredictOptions {
  topK: number
  includeInput: boolean
}

/**
 * Answers inputs with the classes they most probably are.
 * @throws {AppError} of `resolveVersion`, MODEL_DAMAGED, IMAGE_INVALID and INPUT_INVALID with the index of the input
 */
export async function predict(
  deps: PredictDeps,
  name: string,
  reference: VersionReference,
  inputs: PredictionInputs,
  options: PredictOptions,
): Promise<PredictionResponse> {
  const version = await resolveVersion(deps.db, name, reference)
  const predictor = await deps.predictors.get(version)
  const { shape } = predictor.manifest.input
  const rows =
    inputs.kind === 'images'
      ? await decodeAll(deps, inputs.images, shape)
      : flattenAll(inputs.instances, shape)
  return toResponse(version, predictor, rows, options)
}

async function decodeAll(
  { decodeImage }: PredictDeps,
  images: readonly { pointer: string; content: Buffer }[],
  shape: readonly number[],
): Promise<Float32Array[]> {
  const rows: Float32Array[] = []
  for (const { pointer, content } of images) {
    try {
      rows.push(await decodeImage(content, shape))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      throw new AppError(error.code, error.message, {
        errors: [{ pointer, detail: error.message }],
        cause: error,
      })
    }
  }
  return rows
}

function flattenAll(instances: readonly unknown[][], shape: readonly number[]): Float32Array[] {
  const units = featureCount(shape)
  return instances.map((instance, index) => {
    const numbers = instance.flat(shape.length)
    const wrong = numbers.find(number => !isFiniteFloat32(number))
    if (numbers.length !== units || wrong !== undefined) {
      const received = wrong === undefined ? `${numbers.length} numbers` : describe(wrong)
      const detail = `an instance must hold ${units} finite numbers (${shape.join(' × ')}); received ${received}`
      throw new AppError('INPUT_INVALID', detail, { errors: [{ pointer: `/instances/${index}`, detail }] })
    }
    return Float32Array.from(numbers as number[])
  })
}

/** A number of JSON may be beyond float32, which the network computes in. */
function isFiniteFloat32(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(Math.fround(value))
}

/** A number's place taken by something else, in few words: what is nested may be too deep to be written out. */
function describe(value: unknown): string {
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'a list nested too deep' : 'an object'
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)
}

function toResponse(
  version: StoredVersion,
  predictor: Predictor,
  rows: readonly Float32Array[],
  { topK, includeInput }: PredictOptions,
): PredictionResponse {
  const { classes, input } = predictor.manifest
  const units = featureCount(input.shape)
  const features = new Float32Array(rows.length * units)
  for (const [index, row] of rows.entries()) features.set(row, index * units)
  const probabilities = predictor.predict(features, rows.length)
  return {
    model: { name: version.name, version: version.version },
    predictions: rows.map((row, index) => {
      const own = probabilities.subarray(index * classes.length, (index + 1) * classes.length)
      if (!own.every(Number.isFinite)) throw overflow(index)
      const top = rankClasses(own, classes, topK)
      const [best = { label: '', probability: 0 }] = top
      return { ...best, top, ...(includeInput && { input: { shape: input.shape, values: Array.from(row) } }) }
    }),
  }
}

function overflow(index: number): AppError {
  const detail = 'the input must be near the training data; its numbers overflow in the network'
  return new AppError('INPUT_INVALID', detail, { errors: [{ pointer: `/instances/${index}`, detail }] })
}
