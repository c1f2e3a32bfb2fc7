import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createShadowQueue } from '../../../../src/inference/traffic/shadow-queue.ts'

it('work begins in a later turn, one piece after the other, and what is too much is refused at once', async () => {
  const queue = createShadowQueue(2, () => {})
  const log: string[] = []
  const work = (name: string) => async () => {
    log.push(`${name} begins`)
    await nextTurn()
    log.push(`${name} ends`)
  }
  const taken = ['a', 'b', 'c', 'd'].map(name => queue.offer(work(name)))
  expect(taken).toEqual([true, true, true, false]) // one at work, two waiting
  expect(log).toEqual([])
  await queue.close()
  expect(log).toEqual(['a', 'b', 'c'].flatMap(name => [`${name} begins`, `${name} ends`]))
  expect(queue.offer(work('e'))).toBe(false)
})

it('work that fails is told of and stops nothing', async () => {
  const errors: unknown[] = []
  const queue = createShadowQueue(5, error => errors.push(error))
  const done: number[] = []
  queue.offer(async () => {
    throw new Error('lost')
  })
  queue.offer(async () => void done.push(1))
  await queue.close()
  expect([errors.length, done]).toEqual([1, [1]])
})

it('work is taken again when all before was done', async () => {
  const queue = createShadowQueue(1, () => {})
  for (const round of [1, 2, 3]) {
    const done = await new Promise<number>(resolve => {
      expect(queue.offer(async () => resolve(round))).toBe(true)
    })
    expect(done).toBe(round)
  }
})
