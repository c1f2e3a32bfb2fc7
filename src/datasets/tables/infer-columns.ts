import { AppError } from '../../errors.ts'
import type { Column } from '../columns.ts'
import { type ColumnProfile, createColumnProfile, mergeProfile } from '../statistics/column-profile.ts'
import { type ColumnEncoder, NOUNS } from './column-encoder.ts'
import { hashText } from './hash-text.ts'
import { quote } from './place.ts'
import type { Pass } from './read-table.ts'

/** A column of the stored table: what it is, and how its cells come from those that were read. */
export interface InferredColumn {
  column: Column
  encoder: ColumnEncoder
  /** Null where the cells are right as they were read. */
  convert: ((cell: number) => number) | null
}

/** Texts of a column of categories at most, unless its owner says that it is one. */
const INFERRED_CATEGORIES_MAX = 1_000
/** A column without a value in so many rows is worth a word. */
const MISSING_SHARE = 0.3
const ID_NAME = /(^|[^a-z])(id|uuid|guid)$|[a-z](Id|ID|Uuid|UUID)$/i

/**
 * What the columns to learn from are, by their types as declared or by the values of all splits:
 * - texts are `categorical` while they are at most 20, or at most a quarter of the values and 1,000; else `text`
 * - values that are all different are an `id` when the column's name ends with id, uuid or guid
 * - integers that go up by one from row to row are an `id` too
 * @param warnings - what the owner should know is added to it
 * @throws {AppError} DATASET_INVALID when a column has no value at all
 */
export function inferColumns(pass: Pass, warnings: string[]): InferredColumn[] {
  return pass.encoders
    .filter(({ role }) => role === 'feature')
    .map(encoder => {
      const whole = createColumnProfile()
      for (const writer of pass.splits.values()) {
        const profile = writer.profiles[encoder.index]
        if (profile) mergeProfile(whole, profile)
      }
      const train = pass.splits.get('train')?.profiles[encoder.index] ?? whole
      const inferred = inferColumn(encoder, whole, train)
      warnings.push(...warningsOf(inferred, whole))
      return inferred
    })
}

function inferColumn(encoder: ColumnEncoder, whole: ColumnProfile, train: ColumnProfile): InferredColumn {
  const { name, mode, declared } = encoder
  const isIgnored = declared === 'id' || declared === 'text'
  if (train.count === 0 && !isIgnored) {
    throw new AppError(
      'DATASET_INVALID',
      `the column ${quote(name)} must have a value in the training split; received none ` +
        '(call it "text" in the part columns, and it is not learnt from)',
    )
  }
  const common = { name, missing: train.missing, isConstant: train.min === train.max && !isIgnored }
  if (mode === 'hash')
    return { column: { ...common, type: isIgnored ? declared : 'text' }, encoder, convert: null }
  if (mode === 'boolean') return { column: { ...common, type: 'boolean' }, encoder, convert: null }
  if (mode === 'datetime') {
    return { column: { ...common, type: 'datetime', hasTime: encoder.hasTime }, encoder, convert: null }
  }
  if (mode === 'text') return inferText(encoder, whole, train, common)
  const isId = declared === null && isNumericId(name, whole)
  return isId
    ? { column: { ...common, type: 'id' }, encoder, convert: cell => hashText(String(cell)) }
    : { column: { ...common, type: 'numeric' }, encoder, convert: null }
}

function inferText(
  encoder: ColumnEncoder,
  whole: ColumnProfile,
  train: ColumnProfile,
  common: { name: string; missing: number; isConstant: boolean },
): InferredColumn {
  const { codes, declared, hasOverflow } = encoder
  const limit = Math.max(20, Math.min(INFERRED_CATEGORIES_MAX, whole.count / 4))
  if (declared !== 'categorical' && (hasOverflow || codes.size > limit)) {
    const texts = [...codes.keys()]
    const isId = ID_NAME.test(common.name) && isDistinct(whole)
    const convert = (cell: number) => (cell < texts.length ? hashText(texts[cell] ?? '') : cell)
    return { column: { ...common, type: isId ? 'id' : 'text' }, encoder, convert }
  }
  const categories = sortLabels([...codes.keys()])
  const order = Float64Array.from(codes.keys(), text => categories.indexOf(text))
  const counts = categories.map(text => train.codeCounts[codes.get(text) ?? -1] ?? 0)
  const isSorted = order.every((place, code) => place === code)
  const convert = isSorted ? null : (cell: number) => order[cell] ?? Number.NaN
  return { column: { ...common, type: 'categorical', categories, counts }, encoder, convert }
}

/** Numbers in their order when all are numbers, else texts by code unit. */
export function sortLabels(labels: readonly string[]): string[] {
  const areNumbers = labels.every(label => label.trim() !== '' && Number.isFinite(Number(label)))
  const byUnit = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  return [...labels].sort(areNumbers ? (a, b) => Number(a) - Number(b) || byUnit(a, b) : byUnit)
}

function isNumericId(name: string, whole: ColumnProfile): boolean {
  if (!whole.isInteger || whole.count < 10) return false
  return whole.isAscending || (ID_NAME.test(name) && isDistinct(whole))
}

/** Whether all values differ, as far as an estimate can tell. */
function isDistinct({ distinct, count }: ColumnProfile): boolean {
  return distinct.count() >= (count <= 256 ? count : 0.93 * count)
}

function warningsOf({ column, encoder }: InferredColumn, whole: ColumnProfile): string[] {
  const name = quote(column.name)
  const warnings: string[] = []
  const { conflict } = encoder
  if (conflict && conflict.before !== 'undecided') {
    const was = { numeric: NOUNS.numeric, boolean: NOUNS.boolean, datetime: NOUNS.datetime } as const
    const expected = conflict.before in was ? was[conflict.before as keyof typeof was] : 'a value'
    warnings.push(
      `Column ${name} is read as ${column.type}, for ${quote(conflict.value)} in ${conflict.where} is not ${expected} as before.`,
    )
  }
  if (column.type === 'text' && encoder.declared === null) {
    const distinct = encoder.hasOverflow ? `more than ${encoder.codes.size}` : encoder.codes.size
    warnings.push(
      `Column ${name} is text (${distinct} different values of ${whole.count}), which a network cannot learn from.`,
    )
  }
  if (column.type === 'id' && encoder.declared === null) {
    warnings.push(
      `Column ${name} looks like an id: every row has its own, so there is nothing to learn from it.`,
    )
  }
  if (column.isConstant) warnings.push(`Column ${name} has the same value in every training row.`)
  const share = whole.missing / Math.max(1, whole.missing + whole.count)
  if (share >= MISSING_SHARE)
    warnings.push(`Column ${name} has no value in ${Math.round(100 * share)} % of the rows.`)
  return warnings
}
