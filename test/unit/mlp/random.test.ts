import { describe, expect, it } from 'vitest'
import { createRandom, permutation } from '../../../src/mlp/random.ts'

const COUNT = 100_000

function draw(count: number, next: () => number): number[] {
  return Array.from({ length: count }, next)
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}

describe('a stream', () => {
  it('gives the numbers of xoshiro128** seeded by splitmix32, now and in every later version', () => {
    const random = createRandom(42, 'shuffle/1')
    // Computed by an implementation in Python from the authors' C code; a resumed training depends on them.
    const expected = [129873229, 3107314518, 3673424842, 23273705]
    expect(draw(4, () => random.uniform() * 2 ** 32)).toEqual(expected)
  })

  it('is the same for the same seed and purpose', () => {
    const [a, b] = [createRandom(7, 'x'), createRandom(7, 'x')]
    expect(draw(100, () => a.normal())).toEqual(draw(100, () => b.normal()))
  })

  it.each([
    ['another purpose', 7, 'y'],
    ['another seed', 8, 'x'],
    ['a large seed', 7 + 2 ** 32, 'x'],
  ])('has nothing in common with that of %s', (_, seed, purpose) => {
    const [a, b] = [createRandom(7, 'x'), createRandom(seed, purpose)]
    const pairs = draw(COUNT, () => (a.uniform() - 0.5) * (b.uniform() - 0.5))
    // The correlation of independent streams is 0 ± 1/√n; 4 deviations allowed.
    expect(Math.abs(mean(pairs) * 12)).toBeLessThan(4 / Math.sqrt(COUNT))
  })

  it('is uniform in [0, 1)', () => {
    const random = createRandom(1, 'uniform')
    const numbers = draw(COUNT, random.uniform)
    expect(numbers.every(number => number >= 0 && number < 1)).toBe(true)
    // Mean 1/2 and variance 1/12; the mean of n has the deviation √(1/12n) ≈ 0.0009.
    expect(Math.abs(mean(numbers) - 1 / 2)).toBeLessThan(0.004)
    expect(Math.abs(mean(numbers.map(number => (number - 0.5) ** 2)) - 1 / 12)).toBeLessThan(0.001)
  })

  it('has the moments of a standard normal', () => {
    const random = createRandom(1, 'normal')
    const numbers = draw(COUNT, random.normal)
    const moment = (power: number) => mean(numbers.map(number => number ** power))
    // 0, 1, 0, 3 with the deviations √(1, 2, 15, 96 / n)
    expect(Math.abs(moment(1))).toBeLessThan(4 * Math.sqrt(1 / COUNT))
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / COUNT))
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / COUNT))
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / COUNT))
  })

  it('gives every integer below the bound, and no other', () => {
    const random = createRandom(1, 'integer')
    expect([...new Set(draw(1_000, () => random.integer(5)))].sort()).toEqual([0, 1, 2, 3, 4])
  })
})

describe('a permutation', () => {
  it('holds each number once', () => {
    const order = permutation(createRandom(3, 'shuffle/1'), 1_000)
    expect(Array.from(order)).not.toEqual(draw(1_000, () => 0).map((_, index) => index))
    expect(Array.from(order).sort((a, b) => a - b)).toEqual(draw(1_000, () => 0).map((_, index) => index))
  })

  it('is empty for none, and the only one for one', () => {
    expect(permutation(createRandom(3, 'x'), 0)).toHaveLength(0)
    expect(Array.from(permutation(createRandom(3, 'x'), 1))).toEqual([0])
  })

  it('is each of the possible ones equally often', () => {
    const random = createRandom(3, 'fair')
    const counts = new Map<string, number>()
    for (let trial = 0; trial < 6_000; trial++) {
      const order = permutation(random, 3).join('')
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect([...counts.keys()].sort()).toEqual(['012', '021', '102', '120', '201', '210'])
    // 1000 each, with the deviation √(6000 · 1/6 · 5/6) ≈ 29
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(4 * 29)
  })
})
