import { AppError } from '../../errors.ts'
import { createRandom } from '../../mlp/random.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import type { StoredSplit } from '../content.ts'
import { labelWidth } from '../examples.ts'
import type { StoredDataset } from '../repository.ts'
import type { SplitName } from '../schemas.ts'
import { readBlocks, type SplitBlock, storedSources } from '../split-blocks.ts'

/** Which examples are wanted. */
export interface ExampleChoice {
  split: SplitName
  /** Null: of any class. */
  className: string | null
  count: number
  seed: number
}

/**
 * Chooses examples at random, the same ones for the same seed.
 * @returns their split, their indices, ascending, and how many there are to choose from
 * @throws {AppError} EXAMPLE_NOT_FOUND when there is no such split, or no example of the class in it;
 *   VALIDATION_FAILED when there is no such class
 */
export async function chooseExamples(
  blobs: BlobStore,
  dataset: StoredDataset,
  { split, className, count, seed }: ExampleChoice,
): Promise<{ stored: StoredSplit; indices: number[]; total: number }> {
  const stored = dataset.splits[split]
  if (!stored) throw new AppError('EXAMPLE_NOT_FOUND', `the dataset has no split ${split}`)
  const random = createRandom(seed, 'sample grid')
  if (className === null) {
    const total = stored.examples
    return { stored, indices: sample(random.integer, total, count), total }
  }
  const index = dataset.classes.indexOf(className)
  if (index < 0) throw unknownClass(dataset, className)
  const total = stored.classCounts[className] ?? 0
  if (total === 0) {
    throw new AppError('EXAMPLE_NOT_FOUND', `${split} has no example of class ${JSON.stringify(className)}`)
  }
  const wanted = sample(random.integer, total, count)
  return { stored, indices: await findOfClass(blobs, dataset, split, index, wanted), total }
}

/**
 * Some of the numbers below a bound, ascending.
 * @see Bentley & Floyd, "Programming pearls: a sample of brilliance" (1987), algorithm F2
 */
function sample(integer: (bound: number) => number, bound: number, count: number): number[] {
  const chosen = new Set<number>()
  for (let last = Math.max(0, bound - count); last < bound; last++) {
    const one = integer(last + 1)
    chosen.add(chosen.has(one) ? last : one)
  }
  return [...chosen].sort((a, b) => a - b)
}

/** The indices of the examples that are the first, fourth, … of their class. */
async function findOfClass(
  blobs: BlobStore,
  dataset: StoredDataset,
  split: SplitName,
  index: number,
  wanted: readonly number[],
): Promise<number[]> {
  const source = storedSources(blobs, dataset.splits).find(one => one.split === split)
  const indices: number[] = []
  if (!source) return indices
  let seen = 0
  for await (const block of readBlocks({ ...dataset, shape: [0] }, source)) {
    const holds = classReader(dataset, block, index)
    for (let row = 0; row < block.rows; row++) {
      if (holds(row) && seen++ === wanted[indices.length]) indices.push(block.first + row)
    }
    if (indices.length === wanted.length) break
  }
  return indices
}

function classReader(
  dataset: StoredDataset,
  { labels }: SplitBlock,
  index: number,
): (row: number) => boolean {
  if (dataset.task === 'classification') {
    const classes = new Int32Array(labels.buffer, labels.byteOffset, labels.byteLength / 4)
    return row => classes[row] === index
  }
  const flags = new Float32Array(labels.buffer, labels.byteOffset, labels.byteLength / 4)
  const width = labelWidth(dataset)
  return row => flags[row * width + index] === 1
}

function unknownClass({ classes }: StoredDataset, className: string): AppError {
  const some = classes.slice(0, 10).join(', ')
  const required =
    classes.length === 0
      ? 'class must be left out, for the dataset has none'
      : `class must be one of ${some}${classes.length > 10 ? ', …' : ''}`
  const detail = `${required}; received ${JSON.stringify(className)}`
  return new AppError('VALIDATION_FAILED', detail, { errors: [{ parameter: 'class', detail }] })
}
