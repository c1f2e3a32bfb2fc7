import type { Column } from '../columns.ts'
import { type DatasetContent, FEATURE_BYTES, featureCount } from '../content.ts'
import { labelWidth } from '../examples.ts'
import type { SplitName } from '../schemas.ts'
import { readBlocks, type SplitBlock, type SplitSource } from '../split-blocks.ts'
import { createCellHasher, createRowHasher, type HashRow } from './hash-row.ts'
import { createRowTable, createRowTally, type RowTable, type RowTally } from './row-table.ts'
import type { Duplicates } from './schemas.ts'

/** What the bytes of examples mean. */
type Meaning = Pick<DatasetContent, 'shape' | 'dtype' | 'columns' | 'task' | 'classes' | 'targets'>

/**
 * Counts examples with equal features: within a split, in two splits, and with different labels. Features are equal
 * when all their bits are; ids of a table count for nothing, for they make every row another.
 * @param sources - in the order of the splits: an example counts where it occurs again
 * @param table - what is remembered of the rows; its size bounds the memory
 */
export async function countDuplicates(
  meaning: Meaning,
  sources: readonly SplitSource[],
  table: RowTable = createRowTable(examplesOf(sources)),
): Promise<Duplicates> {
  const tallies = new Map<string, RowTally>()
  const tallyOf = (key: string) => {
    const found = tallies.get(key) ?? createRowTally()
    tallies.set(key, found)
    return found
  }
  for (const [index, source] of sources.entries()) {
    const repeated = tallyOf(`repeated/${source.split}`)
    const contradictory = tallyOf(`contradictory/${source.split}`)
    const shared = sources.slice(0, index).map(({ split }) => tallyOf(`${source.split}/${split}`))
    for await (const block of readBlocks(meaning, source)) {
      addBlock(table, hashersOf(meaning, block), block.rows, index, { repeated, contradictory, shared })
    }
  }
  const sum = (key: string) => tallyOf(key).estimate(table)
  return {
    sampledShare: 2 ** -table.level,
    splits: Object.fromEntries(
      sources.map(({ split }) => [
        split,
        { repeated: sum(`repeated/${split}`), contradictory: sum(`contradictory/${split}`) },
      ]),
    ),
    shared: sources.flatMap(({ split }, index) =>
      sources.slice(0, index).map(other => ({
        split,
        with: other.split as SplitName,
        examples: sum(`${split}/${other.split}`),
      })),
    ),
  }
}

function addBlock(
  table: RowTable,
  hashers: { features: HashRow; labels: HashRow },
  rows: number,
  split: number,
  tallies: { repeated: RowTally; contradictory: RowTally; shared: readonly RowTally[] },
): void {
  const { repeated, contradictory, shared } = tallies
  for (let row = 0; row < rows; row++) {
    const hash = hashers.features(row)
    const high = hash[1]
    const place = table.place(hash[0], high)
    if (place < 0) continue
    const mark = table.mark(place)
    const label = hashers.labels(row)[0]
    if (mark === 0) table.setLabel(place, label)
    else if (table.label(place) !== label) contradictory.add(high)
    if (mark & (1 << split)) repeated.add(high)
    for (let other = 0; other < shared.length; other++) {
      if (mark & (1 << other)) shared[other]?.add(high)
    }
    table.setMark(place, mark | (1 << split))
  }
}

function hashersOf(meaning: Meaning, { features, labels }: SplitBlock) {
  const width = featureCount(meaning.shape)
  const compared = comparedColumns(meaning.columns)
  return {
    features:
      compared === null
        ? createRowHasher(features, width * FEATURE_BYTES[meaning.dtype])
        : createCellHasher(
            new Float64Array(features.buffer, features.byteOffset, features.byteLength / 8),
            width,
            compared,
          ),
    labels: createRowHasher(labels, 4 * labelWidth(meaning)),
  }
}

/** Columns that tell rows apart; null where all do. */
function comparedColumns(columns: readonly Column[] | null): number[] | null {
  const indices = columns?.flatMap(({ type }, index) => (type === 'id' ? [] : [index])) ?? []
  return indices.length === (columns?.length ?? 0) || indices.length === 0 ? null : indices
}

function examplesOf(sources: readonly SplitSource[]): number {
  return sources.reduce((sum, { examples }) => sum + examples, 0)
}
