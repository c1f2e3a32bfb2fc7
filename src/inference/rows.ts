import { featureCount } from '../datasets/content.ts'
import { AppError } from '../errors.ts'
import type { DecodeImage } from '../images/decode-image.ts'
import type { RawFeatures } from '../preprocessing/encoder.ts'
import { createInstancesParser, type InstancesParser } from './instances-parser.ts'
import { INPUTS_MAX } from './schemas.ts'
import { type Tensor, toFeatures } from './tensor.ts'
import type { Work } from './turns.ts'

/** Examples as a network takes them. */
export interface Rows {
  count: number
  /** `[count, features]`, row by row, in the data's own units; cells of a table in float64. */
  features: RawFeatures
  /** Inputs that cannot be used, where the others are answered all the same; their features mean nothing. */
  failures?: Failures | null
}

/** What is wrong with inputs, by index. */
export type Failures = Map<number, AppError>

/** What a client posted, with the place of each input for errors. */
export type PredictionInputs =
  | { kind: 'images'; images: readonly { pointer: string; content: Buffer }[] }
  /** Numbers in any nesting. */
  | { kind: 'instances'; instances: readonly unknown[][]; pointer: string }
  | { kind: 'tensor'; tensor: Tensor }
  /** Values by the names of columns. */
  | { kind: 'rows'; rows: readonly Readonly<Record<string, unknown>>[] }
  /** Rows of a table; without a header the columns are the model's, in their order. */
  | { kind: 'csv'; content: Buffer; hasHeader: boolean }
  /** A JSON text, most probably of instances; what `parse` gives when it is out of the ordinary. */
  | { kind: 'json'; text: Buffer; parse: () => Exclude<PredictionInputs, { kind: 'json' }> }

/**
 * Inputs of a model without named columns as rows: images decoded, numbers flattened; at once where that is possible.
 * @param shape - of one example
 * @param failures - takes inputs that cannot be used; null: the first one is thrown
 * @throws {AppError} IMAGE_INVALID and INPUT_INVALID with the place of the input, and of `parse`
 */
export function toRows(
  decodeImage: DecodeImage,
  inputs: PredictionInputs,
  shape: readonly number[],
  work: Work,
  failures: Failures | null = null,
): Rows | Promise<Rows> {
  if (inputs.kind !== 'json') return toRowsInTurns(decodeImage, inputs, shape, work, failures)
  const parseAll = () => toRows(decodeImage, inputs.parse(), shape, work, failures)
  const limits = { depthMax: shape.length, countMax: INPUTS_MAX }
  const parser = createInstancesParser(inputs.text, featureCount(shape), limits)
  const state = parser ? readOn(parser, work) : 'unknown'
  if (!parser || state === 'unknown') return parseAll()
  return state === 'end' ? rowsOf(parser, failures) : readInTurns(parser, work, failures, parseAll)
}

function rowsOf(parser: InstancesParser, failures: Failures | null): Rows {
  return { count: parser.count(), features: parser.features(), failures }
}

/** Reads instances until something else is to be done: nothing more, JSON.parse's work, or another request's. */
function readOn(parser: InstancesParser, work: Work): 'end' | 'unknown' | 'over' {
  for (;;) {
    const state = parser.next()
    if (state !== 'row') return state
    if (work.isOver()) return 'over'
  }
}

/** @param parseAll - what is done when the text is out of the ordinary */
async function readInTurns(
  parser: InstancesParser,
  work: Work,
  failures: Failures | null,
  parseAll: () => Rows | Promise<Rows>,
): Promise<Rows> {
  for (let state: ReturnType<typeof readOn> = 'over'; state !== 'end'; state = readOn(parser, work)) {
    if (state === 'unknown') return parseAll()
    await work.next()
  }
  return rowsOf(parser, failures)
}

async function toRowsInTurns(
  decodeImage: DecodeImage,
  inputs: Exclude<PredictionInputs, { kind: 'json' }>,
  shape: readonly number[],
  work: Work,
  failures: Failures | null,
): Promise<Rows> {
  const units = featureCount(shape)
  switch (inputs.kind) {
    case 'rows':
    case 'csv': {
      const detail = `the model takes ${shape.join(' × ')} numbers without names as instances; received rows of columns`
      throw new AppError('INPUT_INVALID', detail)
    }
    case 'tensor': {
      const features = await toFeatures(inputs.tensor, shape, INPUTS_MAX, work)
      return { count: features.length / units, features, failures }
    }
    case 'images': {
      const features = new Uint8Array(inputs.images.length * units)
      for (const [index, image] of inputs.images.entries()) {
        const pixels = await orFailure(failures, index, () => decode(decodeImage, image, shape))
        if (pixels) features.set(pixels, index * units)
        if (work.isOver()) await work.next()
      }
      return { count: inputs.images.length, features, failures }
    }
    case 'instances': {
      const features = new Float32Array(inputs.instances.length * units)
      for (const [index, instance] of inputs.instances.entries()) {
        const pointer = `${inputs.pointer}/${index}`
        const numbers = await orFailure(failures, index, () => flatten(instance, pointer, shape))
        if (numbers) features.set(numbers, index * units)
        if (work.isOver()) await work.next()
      }
      return { count: inputs.instances.length, features, failures }
    }
  }
}

/** @returns null when the input cannot be used, which is then noted */
async function orFailure<Numbers>(
  failures: Failures | null,
  index: number,
  read: () => Numbers | Promise<Numbers>,
): Promise<Numbers | null> {
  try {
    return await read()
  } catch (error) {
    if (!failures || !(error instanceof AppError)) throw error
    failures.set(index, error)
    return null
  }
}

async function decode(
  decodeImage: DecodeImage,
  { pointer, content }: { pointer: string; content: Buffer },
  shape: readonly number[],
): Promise<Uint8Array> {
  try {
    return await decodeImage(content, shape)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, error.message, {
      errors: [{ pointer, detail: error.message }],
      cause: error,
    })
  }
}

function flatten(instance: unknown[], pointer: string, shape: readonly number[]): Float32Array {
  const units = featureCount(shape)
  const numbers = instance.flat(shape.length)
  const wrong = numbers.find(number => !isFiniteFloat32(number))
  if (numbers.length !== units || wrong !== undefined) {
    const received = wrong === undefined ? `${numbers.length} numbers` : describe(wrong)
    const detail = `an instance must hold ${units} finite numbers (${shape.join(' × ')}); received ${received}`
    throw new AppError('INPUT_INVALID', detail, { errors: [{ pointer, detail }] })
  }
  return Float32Array.from(numbers as number[])
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
