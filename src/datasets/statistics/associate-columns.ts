import type { Column } from '../columns.ts'
import type { DatasetContent } from '../content.ts'
import { labelWidth } from '../examples.ts'
import type { ColumnProfile } from './column-profile.ts'
import { type Association, createCorrelationRatio, createCramersV, createPearson } from './correlation.ts'
import type { Correlation } from './schemas.ts'

/** Finds how each column goes with what is to be learnt. */
export interface ColumnAssociations {
  /** @param labels - as numbers, `[rows, width of a label]` */
  add(cells: Float64Array, labels: Float64Array, rows: number): void
  /** Of a column; null when they were too many to look at. */
  correlationsOf(column: number): Correlation[] | null
}

/** Pairs of numbers that are looked at: some seconds. */
const WORK_MAX = 2 ** 32
/** Numbers that are kept meanwhile: 32 MB. */
const NUMBERS_MAX = 2 ** 22

type Meaning = Pick<DatasetContent, 'task' | 'classes' | 'targets'>

/** Something to be learnt: a number, or a group of several. */
interface Target {
  name: string
  /** Its place in a label. */
  index: number
  /** Null of a number. */
  groups: number | null
  mean: number
}

/** A pair of a column and a target. */
interface Pair {
  column: number
  target: Target
  measure: Correlation['measure']
  /** The column's cell is the second of the association's pair. */
  isSwapped: boolean
  association: Association
}

/**
 * @param profiles - of the columns and of the labels, after a first pass
 * @param examples - that `add` will be called for
 */
export function createColumnAssociations(
  columns: readonly Column[],
  meaning: Meaning,
  profiles: { columns: readonly ColumnProfile[]; labels: readonly ColumnProfile[] },
  examples: number,
): ColumnAssociations {
  const width = columns.length
  const labels = labelWidth(meaning)
  const targets = targetsOf(meaning, profiles.labels)
  const learnt = columns.flatMap((column, index) =>
    column.type === 'id' || column.type === 'text' ? [] : [{ column, index }],
  )
  const numbers = learnt.reduce(
    (sum, { column }) => sum + targets.reduce((all, target) => all + numbersOf(column, target), 0),
    0,
  )
  if (examples * learnt.length * targets.length > WORK_MAX || numbers > NUMBERS_MAX) {
    return { add() {}, correlationsOf: () => null }
  }
  const pairs = learnt.flatMap(({ column, index }) =>
    targets.map(target => createPair(column, index, profiles.columns[index]?.mean ?? 0, target)),
  )
  return {
    add(cells, values, rows) {
      for (const { column, target, association, isSwapped } of pairs) {
        for (let row = 0; row < rows; row++) {
          const cell = cells[row * width + column] ?? 0
          const value = values[row * labels + target.index] ?? 0
          if (isSwapped) association.add(value, cell)
          else association.add(cell, value)
        }
      }
    },
    correlationsOf: column =>
      pairs
        .filter(pair => pair.column === column)
        .map(({ target, measure, association }) => ({
          target: target.name,
          measure,
          value: association.value(),
        })),
  }
}

/** A class of two is 0 or 1, as each of several labels is; only more are groups. */
function targetsOf({ task, classes, targets }: Meaning, profiles: readonly ColumnProfile[]): Target[] {
  const meanOf = (index: number) => profiles[index]?.mean ?? 0
  if (task === 'classification') {
    const name = classes.length === 2 ? (classes[1] ?? '') : (targets[0] ?? 'label')
    return [{ name, index: 0, groups: classes.length, mean: meanOf(0) }]
  }
  const names = task === 'multiLabel' ? classes : targets
  const groups = task === 'multiLabel' ? 2 : null
  return names.map((name, index) => ({ name, index, groups, mean: meanOf(index) }))
}

function numbersOf(column: Column, { groups }: Target): number {
  const categories = column.type === 'categorical' ? column.categories.length : 1
  return categories * (groups ?? 1)
}

function createPair(column: Column, index: number, mean: number, target: Target): Pair {
  const pair = { column: index, target, isSwapped: false }
  const { groups } = target
  if (column.type === 'categorical') {
    const categories = column.categories.length
    return groups === null
      ? {
          ...pair,
          measure: 'correlationRatio',
          association: createCorrelationRatio(target.mean, categories),
          isSwapped: true,
        }
      : { ...pair, measure: 'cramersV', association: createCramersV(categories, groups) }
  }
  if (groups !== null && groups > 2) {
    return { ...pair, measure: 'correlationRatio', association: createCorrelationRatio(mean, groups) }
  }
  const measure = groups === null ? 'pearson' : 'pointBiserial'
  return { ...pair, measure, association: createPearson([mean, target.mean]) }
}
