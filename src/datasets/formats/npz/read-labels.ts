import { AppError } from '../../../errors.ts'
import type { BlobDraft } from '../../../storage/blob-store.ts'
import { type DraftScope, endDraft, writePiece } from '../../drafts.ts'
import type { SplitName } from '../../schemas.ts'
import { CATEGORIES_MAX } from '../../tables/column-encoder.ts'
import { decodeTexts, toDoubles } from './decode-items.ts'
import { isText, type NpyDtype } from './dtype.ts'
import { readNumberRows } from './encode-features.ts'
import { invalidArray, type NpyArray, named, readRows, rowItems } from './read-array.ts'

/** What is to be learnt, as it was read, with what all of it has in common. */
export interface LabelRows {
  arrays: ReadonlyMap<SplitName, NpyArray>
  /** `[examples, width]` float64 of each split, in ended drafts. */
  cells: Map<SplitName, BlobDraft>
  kind: 'text' | 'bool' | 'integer' | 'float'
  width: number
  isInteger: boolean
  isZeroOne: boolean
  /** Each row has one 1 among zeros. */
  isOneHot: boolean
  /** The different numbers of one column; null when they are more than `CATEGORIES_MAX`, or of several columns. */
  distinct: Set<number> | null
  /** Of texts: the cell of each. */
  codes: Map<string, number>
}

/**
 * Reads the labels of all splits.
 * @throws {AppError} DATASET_INVALID when they do not fit each other, or are no finite numbers
 */
export async function readLabels(
  drafts: DraftScope,
  arrays: ReadonlyMap<SplitName, NpyArray>,
): Promise<LabelRows> {
  const [first] = arrays.values()
  if (!first) throw new AppError('DATASET_INVALID', 'there must be labels; received none')
  const width = rowItems(first)
  const labels: LabelRows = {
    arrays,
    cells: new Map(),
    kind: kindOf(first.dtype),
    width,
    isInteger: true,
    isZeroOne: true,
    isOneHot: width > 1,
    distinct: width === 1 ? new Set() : null,
    codes: new Map(),
  }
  for (const [split, array] of arrays) {
    assertAlike(array, first)
    const cells = await drafts.open()
    labels.cells.set(split, cells)
    for await (const numbers of isText(array.dtype) ? readCodes(array, labels) : readNumbers(array)) {
      observe(labels, numbers)
      await writePiece(cells, Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength))
    }
    await endDraft(cells)
  }
  return labels
}

function kindOf(dtype: NpyDtype): LabelRows['kind'] {
  if (isText(dtype)) return 'text'
  if (dtype.kind === 'bool' || dtype.kind === 'float') return dtype.kind
  return 'integer'
}

function assertAlike(array: NpyArray, first: NpyArray): void {
  if (array.shape.length > 2) {
    const detail = `labels must be [examples] or [examples, columns]; received ${array.shape.join(' × ')}`
    throw invalidArray(array, detail)
  }
  const width = rowItems(first)
  if (width < 1 || width > CATEGORIES_MAX || rowItems(array) !== width) {
    const required = width < 1 || width > CATEGORIES_MAX ? `1 to ${CATEGORIES_MAX}` : `${width}`
    throw invalidArray(array, `labels must have ${required} columns; received ${rowItems(array)}`)
  }
  if (isText(array.dtype) !== isText(first.dtype)) {
    const detail = `labels of all splits must be of one kind; received ${array.dtype.name} beside ${first.dtype.name}`
    throw invalidArray(array, detail)
  }
  if (isText(array.dtype) && width > 1) {
    throw invalidArray(array, `labels that are texts must have one column; received ${width}`)
  }
}

async function* readNumbers(array: NpyArray): AsyncGenerator<Float64Array> {
  const width = rowItems(array)
  for await (const { numbers, row } of readNumberRows(array)) {
    const wrong = numbers.findIndex(number => !Number.isFinite(Math.fround(number)))
    if (wrong !== -1) {
      const place = `row ${row + Math.floor(wrong / width) + 1}`
      throw invalidArray(array, `${place}: labels must be finite in float32; received ${numbers[wrong]}`)
    }
    yield toDoubles(numbers)
  }
}

async function* readCodes(array: NpyArray, { codes }: LabelRows): AsyncGenerator<Float64Array> {
  for await (const rows of readRows(array)) {
    const texts = textsOf(rows, array)
    yield Float64Array.from(texts, text => {
      if (text === '' || text.includes('\0')) {
        throw invalidArray(array, 'labels must be texts of at least one character, without NUL')
      }
      const code = codes.get(text) ?? codes.size
      if (code === CATEGORIES_MAX) {
        throw invalidArray(array, `a classification may have ${CATEGORIES_MAX} classes; received more`)
      }
      codes.set(text, code)
      return code
    })
  }
}

function textsOf(rows: Buffer, { dtype, source }: NpyArray): string[] {
  try {
    return decodeTexts(rows, dtype)
  } catch (error) {
    throw named(error, source.name)
  }
}

function observe(labels: LabelRows, numbers: Float64Array): void {
  const { width } = labels
  for (const number of numbers) {
    if (!Number.isInteger(number)) labels.isInteger = false
    if (number !== 0 && number !== 1) labels.isZeroOne = false
    labels.distinct?.add(number)
  }
  if (labels.distinct && labels.distinct.size > CATEGORIES_MAX) labels.distinct = null
  for (let at = 0; labels.isOneHot && at < numbers.length; at += width) {
    let ones = 0
    for (let column = 0; column < width; column++) if (numbers[at + column] === 1) ones++
    labels.isOneHot = labels.isZeroOne && ones === 1
  }
}
