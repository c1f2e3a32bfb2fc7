import type { Column, Task } from '../../src/datasets/columns.ts'
import type { DatasetContent, StoredSplit } from '../../src/datasets/content.ts'
import { createRandom } from '../../src/mlp/random.ts'
import type { BlobStore } from '../../src/storage/blob-store.ts'

const about = { missing: 0, isConstant: false }

/** Columns of the houses: two numbers, a category, and the street that houses share. */
export const HOUSE_COLUMNS: Column[] = [
  { name: 'area', type: 'numeric', ...about },
  { name: 'age', type: 'numeric', ...about, missing: 1 },
  { name: 'city', type: 'categorical', categories: ['Bern', 'Oslo'], counts: [1, 1], ...about },
  { name: 'street', type: 'id', ...about },
]

/** Rows of cells, and the price of each house: 3 · area − age, and 50 more in Oslo. */
export function houses(count: number, seed: number): { cells: Float64Array; prices: Float32Array } {
  const random = createRandom(seed, 'houses')
  const cells = new Float64Array(count * HOUSE_COLUMNS.length)
  const prices = new Float32Array(count)
  for (let row = 0; row < count; row++) {
    const area = 20 + Math.round(random.uniform() * 100)
    const age = Math.round(random.uniform() * 40)
    const isOslo = random.uniform() < 0.5
    cells.set(
      [area, random.uniform() < 0.1 ? Number.NaN : age, isOslo ? 1 : 0, row % 7],
      row * HOUSE_COLUMNS.length,
    )
    prices[row] = 3 * area - age + (isOslo ? 50 : 0)
  }
  return { cells, prices }
}

/** Stores a table of houses with what is to be learnt of them. */
export async function storeHouses(
  blobs: BlobStore,
  task: Task,
  counts: { train: number; test: number },
): Promise<DatasetContent> {
  const store = async (count: number, seed: number): Promise<StoredSplit> => {
    const { cells, prices } = houses(count, seed)
    const targets = targetsOf(task, prices)
    return {
      examples: count,
      classCounts: {},
      features: (await blobs.put(Buffer.from(cells.buffer))).sha256,
      labels: (await blobs.put(Buffer.from(targets.buffer))).sha256,
    }
  }
  return {
    kind: 'table',
    shape: [HOUSE_COLUMNS.length],
    dtype: 'float64',
    columns: HOUSE_COLUMNS,
    task,
    targets: task === 'multiLabel' ? ['dear', 'very dear'] : ['price'],
    classes: { classification: ['cheap', 'dear'], multiLabel: ['dear', 'very dear'], regression: [] }[task],
    splits: { train: await store(counts.train, 1), test: await store(counts.test, 2) },
  }
}

function targetsOf(task: Task, prices: Float32Array): Int32Array | Float32Array {
  switch (task) {
    case 'classification':
      return Int32Array.from(prices, price => (price > 220 ? 1 : 0))
    case 'multiLabel':
      return Float32Array.from([...prices].flatMap(price => [price > 220 ? 1 : 0, price > 300 ? 1 : 0]))
    case 'regression':
      return prices
  }
}
