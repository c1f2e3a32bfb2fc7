import type { DatasetContent } from '../content.ts'
import type { SplitSource } from '../split-blocks.ts'
import { readBlocks } from '../split-blocks.ts'
import { createRowTable, createRowTally, type RowTable } from '../statistics/row-table.ts'
import { createMeaningHasher } from './hash-meaning.ts'
import type { DatasetChanges } from './schemas.ts'

/** One of the two datasets. */
export interface ComparedDataset {
  meaning: DatasetContent
  sources: readonly SplitSource[]
}

/**
 * Counts the examples that two datasets have in common, one by one: of three equal ones and two equal ones, two are.
 * @param table - what is remembered of the rows before; its size bounds the memory
 * @returns null where rows of the two cannot be equal by what they are
 */
export async function compareRows(
  before: ComparedDataset,
  after: ComparedDataset,
  table: RowTable = createRowTable(countOf(before)),
): Promise<DatasetChanges['rows']> {
  if (!areComparable(before.meaning, after.meaning)) return null
  await visitRows(before, (low, high) => {
    const place = table.place(low, high)
    if (place >= 0) table.setMark(place, table.mark(place) + 1)
  })
  const common = createRowTally()
  await visitRows(after, (low, high) => {
    const place = table.find(low, high)
    const left = place < 0 ? 0 : table.mark(place)
    if (left === 0) return
    table.setMark(place, left - 1)
    common.add(high)
  })
  const [had, has] = [countOf(before), countOf(after)]
  const equal = Math.min(had, has, common.estimate(table))
  return { equal, added: has - equal, removed: had - equal, sampledShare: 2 ** -table.level }
}

async function visitRows(
  { meaning, sources }: ComparedDataset,
  visit: (low: number, high: number) => void,
): Promise<void> {
  const hasherOf = createMeaningHasher(meaning)
  for (const source of sources) {
    for await (const block of readBlocks(meaning, source)) {
      const hash = hasherOf(block)
      for (let row = 0; row < block.rows; row++) {
        const halves = hash(row)
        visit(halves[0], halves[1])
      }
    }
  }
}

function areComparable(before: DatasetContent, after: DatasetContent): boolean {
  const formOf = ({ shape, dtype, task, targets, classes, columns }: DatasetContent) =>
    JSON.stringify([
      shape,
      dtype,
      task,
      targets,
      task === 'multiLabel' ? classes : null,
      columns?.map(({ name, type }) => [name, type]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1)) ?? null,
    ])
  return formOf(before) === formOf(after)
}

function countOf({ sources }: ComparedDataset): number {
  return sources.reduce((sum, { examples }) => sum + examples, 0)
}
