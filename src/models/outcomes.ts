import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { AppError } from '../errors.ts'
import { BlobDamagedError, type BlobStore } from '../storage/blob-store.ts'

/** What stands before the numbers. */
const HeaderSchema = Type.Object({
  format: Type.Literal('trainyard-outcomes/1'),
  dataset: Type.Object({ id: Type.String(), sha256: Type.String() }),
  split: Type.String({ description: 'Of the dataset: where the examples stand.' }),
  examplesSha256: Type.String({
    description: 'Equal where the very same examples were evaluated, also in two versions of a dataset.',
  }),
  examples: Type.Integer({ minimum: 0 }),
  classes: Type.Array(Type.String()),
  hasRows: Type.Boolean({ description: 'Whether the examples are a part of the split only.' }),
})

/** What a version took each example of its evaluation for, so that versions can be compared example by example. */
export interface Outcomes extends Omit<Type.Static<typeof HeaderSchema>, 'format' | 'examples' | 'hasRows'> {
  /** Which examples of the split, by index; null: all of them, in order. */
  rows: Int32Array | null
  /** The class of each, by its number. */
  actual: Int32Array
  /** The class that it was taken for. */
  predicted: Int32Array
}

/**
 * Outcomes as bytes: a line of JSON, then the classes of the examples and the predicted ones, in as few bytes each as
 * the number of classes needs (1, 2 or 4, little-endian), then the rows as int32, if any.
 */
export function encodeOutcomes({ rows, actual, predicted, ...described }: Outcomes): Buffer {
  const header = {
    format: 'trainyard-outcomes/1',
    ...described,
    examples: actual.length,
    hasRows: rows !== null,
  }
  const Narrow = narrowest(described.classes.length)
  return Buffer.concat([
    Buffer.from(`${JSON.stringify(header)}\n`),
    bytesOf(Narrow.from(actual)),
    bytesOf(Narrow.from(predicted)),
    ...(rows ? [bytesOf(rows)] : []),
  ])
}

/** @throws Error when the bytes are no outcomes */
export function decodeOutcomes(bytes: Buffer): Outcomes {
  const end = bytes.indexOf('\n')
  const header: unknown = JSON.parse(bytes.toString('utf8', 0, end))
  if (!Value.Check(HeaderSchema, header)) throw new Error('outcomes must begin with their description')
  const { format: _format, examples, hasRows, ...described } = header
  const Narrow = narrowest(described.classes.length)
  let offset = end + 1
  const take = (ArrayType: typeof Narrow) => {
    const length = examples * ArrayType.BYTES_PER_ELEMENT
    if (offset + length > bytes.length) throw new Error('outcomes must be whole')
    const copy = Uint8Array.from(bytes.subarray(offset, offset + length)).buffer
    offset += length
    return Int32Array.from(new ArrayType(copy))
  }
  return {
    ...described,
    actual: take(Narrow),
    predicted: take(Narrow),
    rows: hasRows ? take(Int32Array) : null,
  }
}

/** Reads the outcomes of a version, checked against their hash. @throws {AppError} MODEL_DAMAGED */
export async function readOutcomes(blobs: BlobStore, sha256: string): Promise<Outcomes> {
  try {
    return decodeOutcomes(await blobs.read(sha256))
  } catch (cause) {
    if (!(cause instanceof BlobDamagedError)) throw cause
    const detail = `the stored outcomes of this version are damaged: ${cause.message}`
    throw new AppError('MODEL_DAMAGED', detail, { cause })
  }
}

/** How many of the examples were taken for what they are. */
export function countCorrect({ actual, predicted }: Outcomes): number {
  return actual.reduce((correct, label, example) => correct + (predicted[example] === label ? 1 : 0), 0)
}

/** Of each class the part of its examples that was found; null without examples. */
export function recallsOf({ classes, actual, predicted }: Outcomes): (number | null)[] {
  const support = new Float64Array(classes.length)
  const found = new Float64Array(classes.length)
  actual.forEach((label, example) => {
    support[label] = (support[label] ?? 0) + 1
    if (predicted[example] === label) found[label] = (found[label] ?? 0) + 1
  })
  return Array.from(support, (count, label) => (count === 0 ? null : (found[label] ?? 0) / count))
}

function narrowest(classes: number) {
  if (classes <= 0x1_00) return Uint8Array
  return classes <= 0x1_00_00 ? Uint16Array : Int32Array
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array | Uint16Array | Int32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
