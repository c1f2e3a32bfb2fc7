import { expect, it } from 'vitest'
import { erf } from '../../../src/mlp/erf.ts'

// By the C library, as Python’s `math.erf`.
it.each([
  [0, 0],
  [0.1, 0.1124629160182849],
  [0.5, 0.5204998778130465],
  [1, 0.8427007929497149],
  [2, 0.9953222650189527],
  [3, 0.9999779095030014],
  [5, 0.9999999999984626],
  [6, 1],
  [Number.POSITIVE_INFINITY, 1],
])('erf(%f) is %f, and odd', (x, y) => {
  expect(Math.abs(erf(x) - y)).toBeLessThanOrEqual(1e-15)
  expect(Math.abs(erf(-x) + y)).toBeLessThanOrEqual(1e-15)
})

it('keeps its digits near zero', () => {
  // (2 / √π) x, for the next term is x² / 3 smaller
  expect(erf(1e-10) / 1.1283791670955126e-10).toBeCloseTo(1, 15)
})

it('lets NaN through', () => {
  expect(erf(Number.NaN)).toBeNaN()
})
