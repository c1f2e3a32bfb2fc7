import { createRandom, permutation } from '../../src/mlp/random.ts'
import { areClasses, type Targets } from '../../src/mlp/task.ts'

/** Examples that are in the session together, as a run of a selection's positions. */
export interface Block {
  /** The first position and the one behind the last. */
  from: number
  to: number
  /** The examples of the split that the session holds then: the first, and the one behind the last. */
  rows: { from: number; to: number }
  /** By position − `from`: which of the session's examples it is. */
  indices: Int32Array
}

/** What the held-out examples of the training split are called where the others are changed in each epoch. */
export const HELD_OUT = 'held-out'

/** Some examples of a split, in a fixed order. */
export interface Selection {
  split: string
  count: number
  /** The row of the split, by position; ascending. */
  rows: Int32Array
  /** What is to be learnt of each example, by position, in its own units. */
  targets: Targets
  /** One block where the split is in memory. */
  blocks: readonly Block[]
}

/** Selects the examples of a split by their rows, in ascending order, in blocks of so many examples. */
export function select(
  split: string,
  rows: Int32Array,
  targets: Targets,
  { examples, blockExamples }: { examples: number; blockExamples: number },
): Selection {
  const isWhole = blockExamples >= examples
  const size = isWhole ? rows.length : blockExamples
  const blocks: Block[] = []
  for (let from = 0; from < rows.length; from += size) {
    const own = rows.subarray(from, from + size)
    const window = isWhole
      ? { from: 0, to: examples }
      : { from: own[0] ?? 0, to: (own[own.length - 1] ?? 0) + 1 }
    const indices = isWhole ? own : own.map(row => row - window.from)
    blocks.push({ from, to: from + own.length, rows: window, indices })
  }
  return { split, count: rows.length, rows, targets: takeTargets(targets, rows, examples), blocks }
}

/**
 * The targets of some examples, in their order.
 * @param examples - that all targets are of
 */
export function takeTargets(targets: Targets, which: Int32Array, examples: number): Targets {
  if (areClasses(targets)) return which.map(index => targets[index] ?? 0)
  const width = targets.length / examples
  const taken = new Float32Array(which.length * width)
  which.forEach((index, place) => {
    taken.set(targets.subarray(index * width, (index + 1) * width), place * width)
  })
  return taken
}

/** A block's part of an epoch: its positions in the order in which they are trained. */
export interface EpochPart {
  block: Block
  order: Int32Array
}

/**
 * The order of an epoch: blocks in random order, and random order inside each; a whole permutation where there is
 * one block. It is decided by the seed and the number of the epoch.
 */
export function planEpoch(seed: number, epoch: number, { blocks }: Selection): EpochPart[] {
  const turns = permutation(createRandom(seed, `blocks/${epoch}`), blocks.length)
  return Array.from(turns, turn => {
    const block = blocks[turn] as Block
    const stream = blocks.length === 1 ? `shuffle/${epoch}` : `shuffle/${epoch}/${turn}`
    const order = permutation(createRandom(seed, stream), block.to - block.from)
    return { block, order: order.map(place => block.from + place) }
  })
}
