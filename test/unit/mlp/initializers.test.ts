import { describe, expect, it } from 'vitest'
import { type InitializerName, initialize } from '../../../src/mlp/initializers.ts'
import { createRandom } from '../../../src/mlp/random.ts'

const FAN_IN = 300
const FAN_OUT = 200

function drawKernel(name: InitializerName, seed = 1): Float32Array {
  return initialize(name, createRandom(seed, 'kernel'), [FAN_IN, FAN_OUT])
}

function deviationOf(numbers: Float32Array): number {
  return Math.sqrt(numbers.reduce((sum, number) => sum + number ** 2, 0) / numbers.length)
}

const largestOf = (numbers: Float32Array) =>
  numbers.reduce((max, number) => Math.max(max, Math.abs(number)), 0)

describe('an initial kernel', () => {
  it.each(['glorotUniform', 'glorotNormal', 'heUniform', 'heNormal', 'lecunUniform', 'lecunNormal'] as const)(
    'of %s is all of its fanIn × fanOut numbers, around 0',
    name => {
      const kernel = drawKernel(name)
      expect(kernel).toHaveLength(60_000)
      const mean = kernel.reduce((sum, number) => sum + number, 0) / kernel.length
      expect(Math.abs(mean)).toBeLessThan((4 * deviationOf(kernel)) / Math.sqrt(kernel.length))
    },
  )

  it.each([
    ['glorotUniform', Math.sqrt(6 / 500)], // √(6 / (300 + 200))
    ['heUniform', Math.sqrt(6 / 300)],
    ['lecunUniform', Math.sqrt(3 / 300)],
  ] as const)('of %s fills ±limit', (name, limit) => {
    const kernel = drawKernel(name)
    expect(largestOf(kernel)).toBeLessThanOrEqual(Math.fround(limit))
    expect(largestOf(kernel)).toBeGreaterThan(0.999 * limit)
    expect(deviationOf(kernel) / (limit / Math.sqrt(3))).toBeCloseTo(1, 2)
  })

  it.each([
    ['glorotNormal', Math.sqrt(2 / 500)],
    ['heNormal', Math.sqrt(2 / 300)],
    ['lecunNormal', Math.sqrt(1 / 300)],
  ] as const)('of %s has its deviation after the cut at two of the uncut one', (name, deviation) => {
    const kernel = drawKernel(name)
    // A standard normal cut at ±2 has the variance 1 − 4 φ(2) / (2 Φ(2) − 1) = 0.7737, its root is 0.8796.
    const cut = (2 * deviation) / 0.8796
    expect(largestOf(kernel)).toBeLessThanOrEqual(cut * 1.0001)
    expect(largestOf(kernel)).toBeGreaterThan(0.99 * cut)
    expect(Math.abs(deviationOf(kernel) / deviation - 1)).toBeLessThan(0.01)
  })

  it('of a fill is that number everywhere', () => {
    const random = createRandom(1, 'kernel')
    expect(initialize('zeros', random, [2, 3])).toEqual(new Float32Array(6))
    expect(initialize('ones', random, [2, 3])).toEqual(new Float32Array(6).fill(1))
    expect(initialize({ type: 'constant', value: -0.1 }, random, [2, 3])).toEqual(
      new Float32Array(6).fill(-0.1),
    )
  })

  it('depends on the stream alone', () => {
    expect(drawKernel('heNormal')).toEqual(drawKernel('heNormal'))
    expect(drawKernel('heNormal', 2)).not.toEqual(drawKernel('heNormal'))
    expect(drawKernel('orthogonal', 2)).not.toEqual(drawKernel('orthogonal'))
  })
})

describe('an orthogonal kernel', () => {
  it.each([
    ['wide', 4, 7],
    ['tall', 7, 4],
    ['square', 5, 5],
    ['of one row', 1, 3],
  ])('that is %s has orthonormal rows, or columns where those are fewer', (_, rows, columns) => {
    const q = initialize('orthogonal', createRandom(1, 'kernel'), [rows, columns])
    expect(q).toHaveLength(rows * columns)
    const vectors =
      rows <= columns
        ? Array.from({ length: rows }, (_, row) => Array.from(q.subarray(row * columns, (row + 1) * columns)))
        : Array.from({ length: columns }, (_, column) =>
            Array.from(q).filter((_, i) => i % columns === column),
          )
    for (const [i, a] of vectors.entries()) {
      for (const [j, b] of vectors.entries()) {
        const product = a.reduce((sum, x, place) => sum + x * (b[place] ?? Number.NaN), 0)
        expect(product, `${i} · ${j}`).toBeCloseTo(i === j ? 1 : 0, 6)
      }
    }
  })

  it('points in every direction alike', () => {
    // The first number of a random unit vector of 3 has the mean 0 and the variance 1/3.
    const firsts = Array.from(
      { length: 4_000 },
      (_, seed) => initialize('orthogonal', createRandom(seed, 'x'), [3, 3])[0] ?? Number.NaN,
    )
    const mean = (numbers: number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length
    expect(Math.abs(mean(firsts))).toBeLessThan(4 * Math.sqrt(1 / 3 / 4_000))
    expect(Math.abs(mean(firsts.map(x => x ** 2)) - 1 / 3)).toBeLessThan(0.02)
  })
})

describe('an initial bias', () => {
  it('is filled, or drawn with its units for both fans', () => {
    const random = createRandom(1, 'bias')
    expect(initialize('zeros', random, [3])).toEqual(new Float32Array(3))
    expect(initialize({ type: 'constant', value: 0.5 }, random, [3])).toEqual(new Float32Array(3).fill(0.5))
    const bias = initialize('lecunUniform', random, [10_000])
    expect(bias).toHaveLength(10_000)
    expect(largestOf(bias) / Math.sqrt(3 / 10_000)).toBeCloseTo(1, 2)
    expect(initialize('glorotNormal', random, [10_000])).toHaveLength(10_000)
  })

  it('that is orthogonal is a unit vector', () => {
    const bias = initialize('orthogonal', createRandom(1, 'bias'), [5])
    expect(bias).toHaveLength(5)
    expect(Math.sqrt(bias.reduce((sum, x) => sum + x * x, 0))).toBeCloseTo(1, 6)
  })
})
