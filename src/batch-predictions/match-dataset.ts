import { type Column, UNKNOWN_CATEGORY } from '../datasets/columns.ts'
import { type DatasetContent, featureCount, type StoredSplit } from '../datasets/content.ts'
import { quote } from '../datasets/tables/place.ts'
import { fieldError } from '../errors.ts'
import { describeTableInput, type TableInput } from '../inference/table/table-input.ts'
import type { Manifest } from '../models/manifest.ts'
import type { BatchInput, ColumnSource, LabelSource } from './batch-input.ts'

/** A split as the input of a model, and what its owner should know. */
export interface MatchedInput {
  input: BatchInput
  warnings: string[]
}

/**
 * Finds the columns of a model in a dataset, by name, and what the labels of the dataset are to it.
 * @throws {AppError} VALIDATION_FAILED where it is no input of the model
 */
export function matchDataset(
  manifest: Manifest,
  dataset: Omit<DatasetContent, 'splits'>,
  split: StoredSplit,
): MatchedInput {
  const table = describeTableInput(manifest)
  const warnings: string[] = []
  const input: BatchInput = {
    rows: split.examples,
    dtype: dataset.dtype,
    width: featureCount(dataset.shape),
    features: split.features,
    columns: table ? findColumns(table, dataset.columns) : assertShape(manifest, dataset),
    labels: matchLabels(manifest, dataset, split, warnings),
    failures: null,
  }
  if (dataset.dtype !== manifest.input.dtype) {
    const { dtype } = manifest.input
    warnings.push(
      `the model was trained on ${dtype}, the dataset is ${dataset.dtype}: are the units the same?`,
    )
  }
  return { input, warnings }
}

function findColumns(table: TableInput, columns: readonly Column[] | null): (ColumnSource | null)[] {
  if (columns === null) throw refuse('the model takes named columns; the dataset has numbers without names')
  return table.columns.map((column, index) => {
    if (!table.used.has(column.name)) return null
    const feature = columns.findIndex(({ name }) => name === column.name)
    const found = columns[feature]
    if (!found) throw refuse(`the model needs the column ${quote(column.name)}; the dataset has none`)
    if (found.type !== column.type) {
      throw refuse(
        `the column ${quote(column.name)} must be ${column.type}, as in training; it is ${found.type}`,
      )
    }
    if (found.type !== 'categorical') return { feature, codes: null }
    const known = table.codes[index]
    return { feature, codes: found.categories.map(category => known?.get(category) ?? UNKNOWN_CATEGORY) }
  })
}

function assertShape(
  { input }: Manifest,
  { shape, columns }: Pick<DatasetContent, 'shape' | 'columns'>,
): null {
  const wanted = input.shape.join(' × ')
  if (columns !== null)
    throw refuse(`the model takes ${wanted} numbers without names; the dataset is a table`)
  if (featureCount(shape) !== featureCount(input.shape)) {
    throw refuse(`an example must be ${wanted}, as in training; it is ${shape.join(' × ')}`)
  }
  return null
}

function matchLabels(
  { kind, classes, targets = [] }: Manifest,
  dataset: Omit<DatasetContent, 'splits'>,
  { labels }: StoredSplit,
  warnings: string[],
): LabelSource | null {
  const without = (why: string) => {
    warnings.push(`there is no evaluation: ${why}`)
    return null
  }
  if (dataset.task !== kind)
    return without(`the task of the model is ${kind}, of the dataset ${dataset.task}`)
  if (kind === 'regression') {
    const isSame = dataset.targets.join('\n') === targets.join('\n')
    return isSame ? { blob: labels, classes: null } : without('the targets of the dataset are others')
  }
  if (dataset.classes.join('\n') === classes.join('\n')) return { blob: labels, classes: null }
  if (kind === 'multiLabel') return without('the labels of the dataset are others')
  const unknown = dataset.classes.find(label => !classes.includes(label))
  if (unknown !== undefined) return without(`the model does not know the class ${quote(unknown)}`)
  return { blob: labels, classes: dataset.classes.map(label => classes.indexOf(label)) }
}

function refuse(detail: string) {
  return fieldError('VALIDATION_FAILED', '/datasetId', detail)
}
