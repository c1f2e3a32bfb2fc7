import { expect, it } from 'vitest'
import { createWorkspaces } from '../../../../src/mlp/forward/workspaces.ts'

const PAGE = 65_536

it('a memory that was given back is taken again, empty', () => {
  const workspaces = createWorkspaces()
  const first = workspaces.take(3 * PAGE)
  new Uint8Array(first.memory.buffer).fill(1)
  workspaces.give(first)
  const again = workspaces.take(3 * PAGE - 100)
  expect(again).toBe(first)
  expect(new Uint8Array(again.memory.buffer).every(byte => byte === 0)).toBe(true)
  expect(workspaces.take(3 * PAGE)).not.toBe(first)
})

it('a memory serves a network that needs as much, or a fifth less, and no other', () => {
  const workspaces = createWorkspaces()
  const given = workspaces.take(10 * PAGE)
  workspaces.give(given)
  for (const pages of [1, 7, 11]) {
    const other = workspaces.take(pages * PAGE)
    expect(other).not.toBe(given)
    expect(other.memory.buffer.byteLength).toBe(pages * PAGE)
  }
  expect(workspaces.take(8 * PAGE)).toBe(given)
})

it('what is given back and not taken is bounded, in number and in bytes', () => {
  const many = createWorkspaces()
  const small = Array.from({ length: 17 }, () => many.take(1))
  for (const workspace of small) many.give(workspace)
  const taken = small.map(() => many.take(1))
  expect(taken.filter(workspace => small.includes(workspace))).toEqual(small.slice(1))

  const large = createWorkspaces()
  const [first, second] = [large.take(10 * 2 ** 20), large.take(10 * 2 ** 20)]
  large.give(first)
  large.give(second)
  expect(large.take(10 * 2 ** 20)).toBe(second)
  expect(large.take(10 * 2 ** 20)).not.toBe(first)
  const huge = large.take(17 * 2 ** 20)
  large.give(huge)
  expect(large.take(17 * 2 ** 20)).not.toBe(huge)
})
