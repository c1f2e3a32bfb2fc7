import { describe, expect, it } from 'vitest'
import { type InitializerName, InitializerSchema, initializeKernel } from '../../../src/mlp/initializers.ts'
import { createRandom } from '../../../src/mlp/random.ts'

const FAN_IN = 300
const FAN_OUT = 200

function drawKernel(name: InitializerName, seed = 1): Float32Array {
  return initializeKernel(name, createRandom(seed, 'kernel'), FAN_IN, FAN_OUT)
}

function deviationOf(numbers: Float32Array): number {
  return Math.sqrt(numbers.reduce((sum, number) => sum + number ** 2, 0) / numbers.length)
}

describe('an initial kernel', () => {
  it.each([...InitializerSchema.enum])('of %s is all of its fanIn × fanOut numbers, around 0', name => {
    const kernel = drawKernel(name)
    expect(kernel).toHaveLength(60_000)
    const mean = kernel.reduce((sum, number) => sum + number, 0) / kernel.length
    expect(Math.abs(mean)).toBeLessThan((4 * deviationOf(kernel)) / Math.sqrt(kernel.length))
  })

  it.each([
    ['glorotUniform', Math.sqrt(6 / 500)], // √(6 / (300 + 200))
    ['heUniform', Math.sqrt(6 / 300)],
  ] as const)('of %s fills ±limit', (name, limit) => {
    const kernel = drawKernel(name)
    const largest = kernel.reduce((max, number) => Math.max(max, Math.abs(number)), 0)
    expect(largest).toBeLessThanOrEqual(Math.fround(limit))
    expect(largest).toBeGreaterThan(0.999 * limit)
    expect(deviationOf(kernel) / (limit / Math.sqrt(3))).toBeCloseTo(1, 2)
  })

  it.each([
    ['glorotNormal', Math.sqrt(2 / 500)],
    ['heNormal', Math.sqrt(2 / 300)],
  ] as const)('of %s has its deviation after the cut at two of the uncut one', (name, deviation) => {
    const kernel = drawKernel(name)
    const largest = kernel.reduce((max, number) => Math.max(max, Math.abs(number)), 0)
    // A standard normal cut at ±2 has the variance 1 − 4 φ(2) / (2 Φ(2) − 1) = 0.7737, its root is 0.8796.
    const cut = (2 * deviation) / 0.8796
    expect(largest).toBeLessThanOrEqual(cut * 1.0001)
    expect(largest).toBeGreaterThan(0.99 * cut)
    expect(Math.abs(deviationOf(kernel) / deviation - 1)).toBeLessThan(0.01)
  })

  it('depends on the stream alone', () => {
    expect(drawKernel('heNormal')).toEqual(drawKernel('heNormal'))
    expect(drawKernel('heNormal', 2)).not.toEqual(drawKernel('heNormal'))
  })
})
