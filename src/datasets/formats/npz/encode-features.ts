import type { BlobDraft } from '../../../storage/blob-store.ts'
import { createByteHistogram, summarize } from '../../byte-histogram.ts'
import type { DatasetContent } from '../../content.ts'
import { type DraftScope, endDraft, writePiece } from '../../drafts.ts'
import { addColumn, type ColumnProfile } from '../../statistics/column-profile.ts'
import { createNumberSummary, type NumberSummary } from '../../statistics/number-summary.ts'
import { decodeNumbers, findInfinite, type Numbers, toDoubles } from './decode-items.ts'
import { invalidArray, type NpyArray, readRows, rowItems } from './read-array.ts'

/** The features of one split in an ended draft. */
export interface EncodedFeatures {
  features: BlobDraft
  figures: ReturnType<NumberSummary['figures']>
  warnings: string[]
}

/**
 * Brings features into their stored form: bytes as they are, other numbers as float32.
 * @throws {AppError} DATASET_INVALID with array, row and item when a number is not finite in float32
 */
export async function encodeFeatures(
  drafts: DraftScope,
  array: NpyArray,
  dtype: Exclude<DatasetContent['dtype'], 'float64'>,
): Promise<EncodedFeatures> {
  const features = await drafts.open()
  if (dtype === 'uint8') {
    const histogram = createByteHistogram()
    for await (const rows of readRows(array)) {
      histogram.add(rows)
      await writePiece(features, rows)
    }
    await endDraft(features)
    return { features, figures: summarize(histogram), warnings: [] }
  }
  const summary = createNumberSummary()
  let isRounded = false
  for await (const { numbers, row } of readNumberRows(array)) {
    const floats = numbers instanceof Float32Array ? numbers : new Float32Array(numbers)
    const wrong = findInfinite(floats)
    if (wrong !== -1) {
      const detail = `${place(array, row, wrong)}: numbers must be finite in float32; received ${numbers[wrong]}`
      throw invalidArray(array, detail)
    }
    isRounded ||= array.dtype.kind !== 'float' && floats.some((float, index) => float !== numbers[index])
    summary.add(floats)
    await writePiece(features, new Uint8Array(floats.buffer))
  }
  await endDraft(features)
  const warnings = isRounded ? [`${array.source.name} has whole numbers that float32 rounds.`] : []
  return { features, figures: summary.figures(), warnings }
}

/**
 * The same for columns with names: float64, and NaN where a value is missing.
 * @param profiles - of each column; the rows are added to them
 * @throws {AppError} DATASET_INVALID with array, row and item when a number is infinite
 */
export async function encodeColumns(
  drafts: DraftScope,
  array: NpyArray,
  profiles: readonly ColumnProfile[],
): Promise<EncodedFeatures> {
  const width = profiles.length
  const features = await drafts.open()
  const summary = createNumberSummary()
  for await (const { numbers: some, row } of readNumberRows(array)) {
    const numbers = toDoubles(some)
    const wrong = numbers.findIndex(number => Math.abs(number) === Number.POSITIVE_INFINITY)
    if (wrong !== -1) {
      throw invalidArray(
        array,
        `${place(array, row, wrong)}: numbers must be finite; received ${numbers[wrong]}`,
      )
    }
    summary.add(numbers)
    for (const [column, profile] of profiles.entries()) {
      addColumn(profile, numbers, width, column, numbers.length / width, 0)
    }
    await writePiece(features, new Uint8Array(numbers.buffer))
  }
  await endDraft(features)
  return { features, figures: summary.figures(), warnings: [] }
}

/**
 * Numbers of whole rows, and the index of the first row.
 * @throws {AppError} DATASET_INVALID for texts, and whole numbers beyond 2^53
 */
export async function* readNumberRows(array: NpyArray): AsyncGenerator<{ numbers: Numbers; row: number }> {
  const width = rowItems(array)
  let row = 0
  for await (const rows of readRows(array)) {
    const numbers = decodeNumbers(rows, array.dtype, index => {
      throw invalidArray(array, `${place(array, row, index)}: whole numbers must be within ±2^53`)
    })
    yield { numbers, row }
    row += numbers.length / width
  }
}

/** Where a number is, both from 1. */
function place(array: NpyArray, firstRow: number, index: number): string {
  const width = rowItems(array)
  const row = `row ${firstRow + Math.floor(index / width) + 1}`
  return width === 1 ? row : `${row}, number ${(index % width) + 1}`
}
