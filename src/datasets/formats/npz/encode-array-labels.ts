import { AppError, fieldError } from '../../../errors.ts'
import type { BlobDraft } from '../../../storage/blob-store.ts'
import type { Task } from '../../columns.ts'
import type { DraftScope } from '../../drafts.ts'
import type { SplitName } from '../../schemas.ts'
import { rewriteNumbers } from '../../tables/encode-labels.ts'
import { sortLabels } from '../../tables/infer-columns.ts'
import { quote } from '../../tables/place.ts'
import type { LabelRows } from './read-labels.ts'

/** Different integers that are still taken for classes. */
const INTEGER_CLASSES_MAX = 100

/** What is to be learnt, as it is stored. */
export interface EncodedLabels {
  task: Task
  /** Of a regression with several numbers their places: `0`, `1`, …. */
  targets: string[]
  classes: string[]
  splits: Map<SplitName, { labels: BlobDraft; classCounts: Record<string, number> }>
  warnings: string[]
}

/**
 * What labels are to teach, unless it is given. Of one column: texts, truth values and at most 100 different
 * integers are classes, other numbers a regression. Of several: rows of one 1 among zeros are classes, other zeros
 * and ones several labels, other numbers a regression with several targets.
 * @throws {AppError} VALIDATION_FAILED when the labels cannot be what they are said to be
 */
export function chooseTask(labels: LabelRows, given: Task | null): Task {
  const { kind, width, isInteger, isZeroOne, isOneHot, distinct } = labels
  const possible: Record<Task, boolean> = {
    classification: width === 1 ? kind === 'text' || (isInteger && distinct !== null) : isOneHot,
    multiLabel: kind !== 'text' && isZeroOne,
    regression: kind !== 'text',
  }
  const isFew = kind === 'integer' && (distinct?.size ?? Number.POSITIVE_INFINITY) <= INTEGER_CLASSES_MAX
  const isClasses = width === 1 ? kind === 'text' || kind === 'bool' || isFew : isOneHot
  const guess = isClasses ? 'classification' : width > 1 && isZeroOne ? 'multiLabel' : 'regression'
  if (given === null || possible[given]) return given ?? guess
  const required = {
    classification: 'texts, whole numbers or rows of one 1 among zeros',
    multiLabel: 'zeros and ones',
    regression: 'numbers',
  }[given]
  throw fieldError('VALIDATION_FAILED', '/task', `labels of a ${given} must be ${required}; received others`)
}

/**
 * Brings labels into their stored form.
 * @param names - of the classes, in the order of the outputs; null where the data does not name them
 * @throws {AppError} DATASET_INVALID when there is one class, or one that does not occur in training
 */
export async function encodeArrayLabels(
  drafts: DraftScope,
  labels: LabelRows,
  given: Task | null,
  names: readonly string[] | null,
): Promise<EncodedLabels> {
  const task = chooseTask(labels, given)
  if (task === 'classification') return encodeClasses(drafts, labels, names)
  const { width, cells } = labels
  if (names !== null && (task === 'regression' || names.length !== width)) {
    const received = task === 'regression' ? 'a regression' : `${width} columns`
    throw new AppError(
      'DATASET_INVALID',
      `classes must name each column of several labels; received ${names.length} beside ${received}`,
    )
  }
  const places = Array.from({ length: width }, (_, column) => String(column))
  const classes = task === 'multiLabel' ? [...(names ?? places)] : []
  const splits: EncodedLabels['splits'] = new Map()
  for (const [split, from] of cells) {
    const counts = classes.map(() => 0)
    const draft = await rewriteNumbers(
      drafts,
      from,
      numbers => {
        for (const [at, number] of counts.length > 0 ? numbers.entries() : []) {
          counts[at % width] = (counts[at % width] ?? 0) + number
        }
        return Float32Array.from(numbers)
      },
      width,
    )
    splits.set(split, { labels: draft, classCounts: countsOf(classes, counts) })
  }
  const targets = task === 'regression' && width > 1 ? places : []
  return { task, targets, classes, splits, warnings: warnOfNumbers(labels, task, given) }
}

function warnOfNumbers({ kind, distinct, isInteger }: LabelRows, task: Task, given: Task | null): string[] {
  const isFew = distinct !== null && distinct.size <= INTEGER_CLASSES_MAX
  if (given !== null || task !== 'regression' || kind !== 'float' || !isInteger || !isFew) return []
  return [
    `The labels are ${distinct.size} different whole numbers stored as floats, and are learnt as numbers; ` +
      'upload with task=classification if they are classes.',
  ]
}

async function encodeClasses(
  drafts: DraftScope,
  labels: LabelRows,
  names: readonly string[] | null,
): Promise<EncodedLabels> {
  const { width, codes, cells, arrays } = labels
  const { classes, indexOf } = width === 1 ? matchValues(labels, names) : matchColumns(width, names)
  const occurs = new Set<number>()
  const splits: EncodedLabels['splits'] = new Map()
  const texts = [...codes.keys()]
  for (const [split, from] of cells) {
    const counts = classes.map(() => 0)
    const draft = await rewriteNumbers(
      drafts,
      from,
      (numbers, row) =>
        Int32Array.from({ length: numbers.length / width }, (_, at) => {
          const value = width === 1 ? (numbers[at] ?? 0) : numbers.indexOf(1, at * width) - at * width
          const index = indexOf.get(value) ?? -1
          if (split === 'train' && index >= 0) occurs.add(index)
          if (!occurs.has(index)) {
            const name = quote(classes[index] ?? texts[value] ?? String(value))
            const required = index < 0 ? 'be among the classes' : 'occur in training'
            const { name: array, part } = arrays.get(split)?.source ?? { name: '', part: '' }
            const detail = `${array}: row ${row + at + 1}: labels must ${required}; received ${name}`
            throw fieldError('DATASET_INVALID', `/${part}`, detail)
          }
          counts[index] = (counts[index] ?? 0) + 1
          return index
        }),
      width,
    )
    splits.set(split, { labels: draft, classCounts: countsOf(classes, counts) })
  }
  if (occurs.size < 2) {
    const received = occurs.size === 0 ? 'none' : `only ${quote(classes[[...occurs][0] ?? 0] ?? '')}`
    const detail = `a classification must have two classes or more; received ${received}`
    throw new AppError('DATASET_INVALID', detail)
  }
  return { task: 'classification', targets: [], classes, splits, warnings: [] }
}

/** Which class each value of a column is. */
function matchValues(
  { kind, distinct, codes }: LabelRows,
  names: readonly string[] | null,
): { classes: string[]; indexOf: ReadonlyMap<number, number> } {
  const texts = [...codes.keys()]
  if (names !== null) {
    // Numbers count the names from 0; texts are the names themselves.
    const pairs = names.map(
      (name, index) => [kind === 'text' ? (codes.get(name) ?? -1) : index, index] as const,
    )
    return { classes: [...names], indexOf: new Map(pairs) }
  }
  const values = [...(distinct ?? [])]
  const nameOf = (value: number) => {
    if (kind === 'text') return texts[value] ?? ''
    return kind === 'bool' ? String(value === 1) : String(value)
  }
  const classes = sortLabels(values.map(nameOf))
  const places = new Map(classes.map((name, index) => [name, index]))
  return { classes, indexOf: new Map(values.map(value => [value, places.get(nameOf(value)) ?? -1])) }
}

/** Each column is a class. */
function matchColumns(
  width: number,
  names: readonly string[] | null,
): { classes: string[]; indexOf: ReadonlyMap<number, number> } {
  if (names !== null && names.length !== width) {
    const detail = `classes must name each of the ${width} columns of the labels; received ${names.length}`
    throw new AppError('DATASET_INVALID', detail)
  }
  const columns = Array.from({ length: width }, (_, column) => column)
  return { classes: names ? [...names] : columns.map(String), indexOf: new Map(columns.map(c => [c, c])) }
}

function countsOf(classes: readonly string[], counts: readonly number[]): Record<string, number> {
  return Object.fromEntries(classes.map((name, index) => [name, counts[index] ?? 0]))
}
