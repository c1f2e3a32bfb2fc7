import { describe, expect, it } from 'vitest'
import { createRandom, permutation } from '../../../../src/mlp/random.ts'
import { planEpoch, select } from '../../../../worker/trainer/selection.ts'

const EXAMPLES = 100
const LABELS = Int32Array.from({ length: EXAMPLES }, (_, row) => 1_000 + row)

/** 61 of the 100 rows, in ascending order. */
const ROWS = permutation(createRandom(1, 'rows'), EXAMPLES).slice(0, 61).sort()

const inBlocksOf = (blockExamples: number) =>
  select('train', ROWS, LABELS, { examples: EXAMPLES, blockExamples })

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('a selection', () => {
  it('of a split in memory is one block, whose rows are the split’s', () => {
    for (const size of [EXAMPLES, EXAMPLES + 1]) {
      expect(inBlocksOf(size).blocks).toEqual([
        { from: 0, to: 61, rows: { from: 0, to: EXAMPLES }, indices: ROWS },
      ])
    }
  })

  it('has the label of each example, by position', () => {
    for (const size of [EXAMPLES, 20]) {
      expect(Array.from(inBlocksOf(size).targets)).toEqual(Array.from(ROWS, row => 1_000 + row))
    }
  })

  it('in blocks covers each position once, and finds its row in the window of its block', () => {
    const { blocks } = inBlocksOf(20)
    expect(blocks.map(({ from, to }) => [from, to])).toEqual([
      [0, 20],
      [20, 40],
      [40, 60],
      [60, 61],
    ])
    const rows = blocks.flatMap(({ rows, indices }) => Array.from(indices, index => rows.from + index))
    expect(rows).toEqual(Array.from(ROWS))
    for (const { rows, indices, from, to } of blocks) {
      expect(indices).toHaveLength(to - from)
      expect([indices[0], indices.at(-1)]).toEqual([0, rows.to - rows.from - 1]) // no row more than is needed
    }
  })

  it('of nothing has no blocks', () => {
    const none = { examples: EXAMPLES, blockExamples: 20 }
    expect(select('train', new Int32Array(), LABELS, none)).toMatchObject({
      blocks: [],
      targets: new Int32Array(),
    })
  })
})

describe('the order of an epoch', () => {
  it('is a permutation of all positions, block by block', () => {
    const selection = inBlocksOf(20)
    const parts = planEpoch(7, 1, selection)
    expect(parts).toHaveLength(4)
    expect(parts.map(({ block }) => block.from).toSorted((a, b) => a - b)).toEqual([0, 20, 40, 60])
    for (const { block, order } of parts) {
      expect(Array.from(order).sort((a, b) => a - b)).toEqual(
        upTo(block.to - block.from).map(i => block.from + i),
      )
    }
    const all = parts.flatMap(({ order }) => Array.from(order))
    expect(all.toSorted((a, b) => a - b)).toEqual(upTo(61))
  })

  it('puts no batch across blocks when a block is whole batches: only the last block may end in a short one', () => {
    const { blocks } = inBlocksOf(21)
    expect(blocks.map(({ from, to }) => (to - from) % 7)).toEqual([0, 0, 61 % 7])
  })

  it('is decided by the seed and the number of the epoch', () => {
    for (const size of [20, EXAMPLES]) {
      const plan = (seed: number, epoch: number) =>
        planEpoch(seed, epoch, inBlocksOf(size)).map(({ order }) => Array.from(order))
      expect(plan(7, 1)).toEqual(plan(7, 1))
      expect(plan(7, 2)).not.toEqual(plan(7, 1))
      expect(plan(8, 1)).not.toEqual(plan(7, 1))
    }
  })

  it('shuffles the blocks, and each block in its own way', () => {
    const selection = select('train', Int32Array.from(upTo(60)), LABELS, {
      examples: EXAMPLES,
      blockExamples: 20,
    })
    const epochs = upTo(60).map(epoch => planEpoch(7, epoch, selection))
    const firsts = new Set(epochs.map(([first]) => first?.block.from))
    expect([...firsts].sort()).toEqual([0, 20, 40])
    for (const parts of epochs) {
      const shapes = parts.map(({ block, order }) => order.map(position => position - block.from).join())
      expect(new Set(shapes).size).toBe(3)
    }
  })
})
