import { expect, it } from 'vitest'
import { BUCKETS, bucketOf, quantileOf } from '../../../../src/inference/traffic/histogram.ts'

it('a quantile is at least the true one, and at most 19 % more', () => {
  const durations = Array.from({ length: 1_000 }, (_, index) => 0.5 * 1.005 ** index)
  const counts = new Array<number>(BUCKETS).fill(0)
  for (const duration of durations) counts[bucketOf(duration)] = (counts[bucketOf(duration)] ?? 0) + 1
  for (const part of [0.5, 0.95, 0.99]) {
    const exact = durations[part * 1_000 - 1] ?? 0
    expect(quantileOf(counts, part)).toBeGreaterThanOrEqual(exact)
    expect(quantileOf(counts, part)).toBeLessThanOrEqual(exact * 2 ** (1 / 4))
  }
})

it('nothing has no quantile, and no duration is without a bucket', () => {
  expect(quantileOf(new Array<number>(BUCKETS).fill(0), 0.5)).toBe(null)
  expect([0, 0.1, 1e9].map(bucketOf)).toEqual([0, 0, BUCKETS - 1])
})
