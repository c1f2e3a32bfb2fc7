import { createRandom } from '../../mlp/random.ts'
import type { Column } from '../columns.ts'
import type { DatasetContent } from '../content.ts'
import { labelWidth } from '../examples.ts'
import { readBlocks, type SplitSource } from '../split-blocks.ts'
import { createColumnAssociations } from './associate-columns.ts'
import { createRowChooser } from './choose-rows.ts'
import { addColumn, type ColumnProfile, createColumnProfile } from './column-profile.ts'
import { createSpreadFinder } from './column-spread.ts'
import { describeColumn, describeTarget } from './describe-column.ts'
import type { TrainingLook } from './schemas.ts'

/** Rows that quartiles are taken from: to sort so many numbers takes some 10 ms, and their ranks are right to 0.2 %. */
const KEPT_ROWS_MAX = 100_000
/** Numbers kept for it in all: 32 MB. */
const KEPT_MAX = 2 ** 22
/** Of a table of very many columns; fewer rows would say little. */
const KEPT_ROWS_MIN = 256

/** A dataset of named columns, or with targets that are numbers. */
type Meaning = Pick<DatasetContent, 'shape' | 'dtype' | 'columns' | 'task' | 'classes' | 'targets'>

/** Examples as float64. */
interface NumberBlock {
  rows: number
  /** `[rows, columns]` */
  cells: Float64Array
  /** `[rows, width of a label]` */
  values: Float64Array
}

/**
 * Looks at named columns, and at targets that are numbers: in a first pass at what they are, in a second at how they
 * lie and how they go together. Memory grows with the columns and not with the rows.
 */
export async function lookAtColumns(
  meaning: Meaning,
  source: SplitSource,
): Promise<Pick<TrainingLook, 'quartilesFrom' | 'columns' | 'targets'>> {
  const columns = meaning.columns ?? []
  const labels = labelWidth(meaning)
  const profiles = {
    columns: columns.map(() => createColumnProfile()),
    labels: Array.from({ length: labels }, () => createColumnProfile()),
  }
  const spreadColumns = columns.flatMap(({ type }, index) =>
    type === 'numeric' || type === 'datetime' ? [index] : [],
  )
  const spreadTargets = meaning.task === 'regression' ? [...profiles.labels.keys()] : []
  const kept = rowsToKeep(source.examples, spreadColumns.length + spreadTargets.length)
  const isKept = createRowChooser(createRandom(0, 'quartiles'), source.examples, kept)
  const spreads = createSpreadFinder(columns.length, spreadColumns, kept)
  const targets = createSpreadFinder(labels, spreadTargets, kept)

  const codes = columns.map(codesOf)
  for await (const { cells, values, rows } of readNumbers(meaning, source)) {
    addColumns(profiles.columns, cells, rows, codes)
    addColumns(profiles.labels, values, rows, [])
    for (let row = 0; row < rows; row++) {
      if (!isKept()) continue
      spreads.keep(cells, row)
      targets.keep(values, row)
    }
  }
  await spreads.settle(profiles.columns)
  await targets.settle(profiles.labels)

  const associations = createColumnAssociations(columns, meaning, profiles, source.examples)
  for await (const { cells, values, rows } of readNumbers(meaning, source)) {
    spreads.count(cells, rows)
    targets.count(values, rows)
    associations.add(cells, values, rows)
  }
  return {
    quartilesFrom: kept,
    columns:
      meaning.columns &&
      columns.map((column, index) =>
        describeColumn(
          column,
          profiles.columns[index] ?? createColumnProfile(),
          spreads.spreadOf(index),
          associations.correlationsOf(index),
        ),
      ),
    targets: spreadTargets.map(index =>
      describeTarget(
        meaning.targets[index] ?? null,
        profiles.labels[index] ?? createColumnProfile(),
        targets.spreadOf(index),
      ),
    ),
  }
}

function rowsToKeep(examples: number, columns: number): number {
  const affordable = Math.max(KEPT_ROWS_MIN, Math.floor(KEPT_MAX / Math.max(1, columns)))
  return Math.min(examples, KEPT_ROWS_MAX, affordable)
}

/** How many values a column has that are counted one by one. */
function codesOf(column: Column): number {
  if (column.type === 'boolean') return 2
  return column.type === 'categorical' ? column.categories.length : 0
}

function addColumns(
  profiles: readonly ColumnProfile[],
  cells: Float64Array,
  rows: number,
  codes: readonly number[],
): void {
  profiles.forEach((profile, column) => {
    addColumn(profile, cells, profiles.length, column, rows, codes[column] ?? 0)
  })
}

async function* readNumbers(meaning: Meaning, source: SplitSource): AsyncGenerator<NumberBlock> {
  // Features without names are not looked at here.
  const read = meaning.columns === null ? { ...meaning, shape: [0] } : meaning
  for await (const { rows, features, labels } of readBlocks(read, source)) {
    const [bytes, start, numbers] = [labels.buffer, labels.byteOffset, labels.byteLength / 4]
    yield {
      rows,
      cells: new Float64Array(features.buffer, features.byteOffset, features.byteLength / 8),
      values: Float64Array.from(
        meaning.task === 'classification'
          ? new Int32Array(bytes, start, numbers)
          : new Float32Array(bytes, start, numbers),
      ),
    }
  }
}
