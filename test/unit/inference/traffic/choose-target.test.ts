import { describe, expect, it } from 'vitest'
import { chooseTarget, pointOf } from '../../../../src/inference/traffic/choose-target.ts'

const targets = [
  { version: 3, weight: 90 },
  { version: 4, weight: 10 },
]

describe('of several targets', () => {
  it('each gets its part of the points, the oldest the lowest', () => {
    expect([0, 0.5, 0.899].map(point => chooseTarget(targets, point))).toEqual([3, 3, 3])
    expect([0.901, 0.999].map(point => chooseTarget(targets, point))).toEqual([4, 4])
    expect(chooseTarget([{ version: 7, weight: 1 }], 0.99)).toBe(7)
  })

  it('sessions are spread evenly, and each stays where it is', () => {
    const points = Array.from({ length: 10_000 }, (_, index) => pointOf('digits', 'production', `s${index}`))
    const young = points.filter(point => chooseTarget(targets, point) === 4).length
    expect(Math.abs(young - 1_000)).toBeLessThan(120) // four standard deviations of the binomial distribution
    expect(points.every(point => point >= 0 && point < 1)).toBe(true)
    expect(pointOf('digits', 'production', 's0')).toBe(points[0])
    expect(pointOf('digits', 'canary', 's0')).not.toBe(points[0])
  })
})
