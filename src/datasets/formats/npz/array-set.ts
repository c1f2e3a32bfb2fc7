import { AppError, fieldError } from '../../../errors.ts'
import type { Column, Task } from '../../columns.ts'
import { type DatasetContent, featureCount } from '../../content.ts'
import type { DraftScope } from '../../drafts.ts'
import type { PreparedDataset } from '../../prepared.ts'
import type { SplitName } from '../../schemas.ts'
import { type ColumnProfile, createColumnProfile } from '../../statistics/column-profile.ts'
import { quote } from '../../tables/place.ts'
import { encodeArrayLabels } from './encode-array-labels.ts'
import { encodeColumns, encodeFeatures } from './encode-features.ts'
import { invalidArray, type NpyArray } from './read-array.ts'
import { readLabels } from './read-labels.ts'

/** The arrays of a dataset, in order of the splits, before anything but their heads was read. */
export interface ArraySet {
  x: Map<SplitName, NpyArray>
  y: Map<SplitName, NpyArray>
  /** Names of the classes. */
  classes: string[] | null
  /** Names of the columns of x. */
  featureNames: string[] | null
}

const SPLITS = ['train', 'validation', 'test'] as const

/** A set of no arrays. */
export function createArraySet(): ArraySet {
  return { x: new Map(), y: new Map(), classes: null, featureNames: null }
}

/**
 * Makes a dataset of arrays: checks that they fit each other, and brings them into their stored form.
 * @param limits.bytesMax - of the stored features of a split
 * @throws {AppError} DATASET_INVALID, PAYLOAD_TOO_LARGE, VALIDATION_FAILED
 */
export async function prepareArrays(
  drafts: DraftScope,
  set: ArraySet,
  task: Task | null,
  limits: { bytesMax: number },
): Promise<PreparedDataset> {
  const [x, y] = [inOrder(set.x), inOrder(set.y)]
  const train = x.get('train')
  if (!train) throw new AppError('DATASET_INVALID', 'there must be arrays x and y of training; received none')
  for (const split of SPLITS) assertPair(split, x.get(split), y.get(split))
  const form = formOf(train, set.featureNames)
  for (const array of x.values()) assertFits(array, train, form, limits.bytesMax)
  const labels = await encodeArrayLabels(drafts, await readLabels(drafts, y), task, set.classes)
  const splits: PreparedDataset['splits'] = {}
  const warnings = [...labels.warnings]
  let columns: Column[] | null = null
  for (const [split, array] of x) {
    const encoded = labels.splits.get(split)
    if (!encoded) continue
    const profiles = form.names?.map(() => createColumnProfile())
    const { dtype } = form
    const stored = await (profiles || dtype === 'float64'
      ? encodeColumns(drafts, array, profiles ?? [])
      : encodeFeatures(drafts, array, dtype))
    warnings.push(...stored.warnings)
    if (split === 'train' && profiles) columns = describeColumns(form.names ?? [], profiles, warnings)
    const [examples = 0] = array.shape
    const { labels: draft, classCounts } = encoded
    const statistics = { examples, classCounts, ...stored.figures }
    splits[split] = { examples, classCounts, features: stored.features, labels: draft, statistics }
  }
  const { kind, shape, dtype } = form
  if (kind === 'table' && shape.length === 3) {
    warnings.push('The images are no bytes: a picture posted for a prediction would count from 0 to 255.')
  }
  const { targets, classes } = labels
  return { format: 'npz', kind, shape, dtype, columns, task: labels.task, targets, classes, splits, warnings }
}

function inOrder(arrays: ReadonlyMap<SplitName, NpyArray>): Map<SplitName, NpyArray> {
  return new Map(
    SPLITS.flatMap(split => {
      const array = arrays.get(split)
      return array ? [[split, array] as const] : []
    }),
  )
}

function assertPair(split: SplitName, x: NpyArray | undefined, y: NpyArray | undefined): void {
  if (!x && !y) return
  if (!x || !y) {
    const [given, missing] = x ? [x, 'y'] : [y, 'x']
    throw fieldError(
      'DATASET_INVALID',
      `/${given?.source.part ?? ''}`,
      `${given?.source.name} needs an array ${missing} of ${split} beside it; received none`,
    )
  }
  if (x.shape.length === 0 || x.shape.includes(0)) {
    throw invalidArray(x, `must have an example at least; received ${x.shape.join(' × ') || 'a single item'}`)
  }
  if (x.shape[0] !== y.shape[0]) {
    throw invalidArray(
      y,
      `must have a label for each of the ${x.shape[0]} examples; received ${y.shape[0] ?? 'a single item'}`,
    )
  }
}

/** How examples are stored. */
interface Form extends Pick<DatasetContent, 'kind' | 'shape' | 'dtype'> {
  /** Of the columns; null where they have none. */
  names: string[] | null
}

function formOf(x: NpyArray, names: string[] | null): Form {
  const [, ...shape] = x.shape
  if (names !== null) {
    if (shape.length !== 1 || shape[0] !== names.length || new Set(names).size < names.length) {
      const detail = `feature_names must be different names, one for each of ${shape.join(' × ') || 1} features; received ${names.length}`
      throw invalidArray(x, detail)
    }
    return { kind: 'table', shape, dtype: 'float64', names }
  }
  const isBytes = x.dtype.kind === 'unsigned' && x.dtype.bytes === 1
  const dtype = isBytes ? 'uint8' : 'float32'
  if (shape.length === 0) shape.push(1)
  if (shape.length === 1) return { kind: 'table', shape, dtype, names }
  if (shape.length === 2) shape.push(1)
  const channels = shape[2] ?? 0
  if (shape.length !== 3 || ![1, 3, 4].includes(channels)) {
    const required =
      '[examples], [examples, features], [examples, height, width] or with 1, 3 or 4 channels last'
    throw invalidArray(x, `x must be ${required}; received ${x.shape.join(' × ')}`)
  }
  return { kind: isBytes ? 'image' : 'table', shape, dtype, names }
}

function assertFits(array: NpyArray, train: NpyArray, form: Form, bytesMax: number): void {
  const { shape, dtype } = form.names ? form : formOf(array, null)
  const isAlike = array.shape.slice(1).join() === train.shape.slice(1).join() && dtype === form.dtype
  if (!isAlike || shape.join() !== form.shape.join()) {
    const wanted = `${train.shape.slice(1).join(' × ') || 1} of ${train.dtype.name}`
    const received = `${array.shape.slice(1).join(' × ') || 1} of ${array.dtype.name}`
    throw invalidArray(array, `examples must be ${wanted} as in ${train.source.name}; received ${received}`)
  }
  const bytes = featureCount(array.shape) * { uint8: 1, float32: 4, float64: 8 }[form.dtype]
  if (bytes > bytesMax) {
    const detail = `${array.source.name}: examples may take ${bytesMax} bytes as ${form.dtype}; received ${bytes}`
    throw fieldError('PAYLOAD_TOO_LARGE', `/${array.source.part}`, detail)
  }
}

function describeColumns(
  names: readonly string[],
  profiles: readonly ColumnProfile[],
  warnings: string[],
): Column[] {
  return profiles.map(({ count, missing, min, max }, index) => {
    const name = names[index] ?? ''
    if (count === 0) {
      throw new AppError(
        'DATASET_INVALID',
        `the column ${quote(name)} must have a value in the training split; received none`,
      )
    }
    const isConstant = min === max
    if (isConstant) warnings.push(`Column ${quote(name)} has the same value in every training row.`)
    return { name, type: 'numeric', missing, isConstant }
  })
}
