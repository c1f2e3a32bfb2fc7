import { describe, expect, it } from 'vitest'
import { createRandom } from '../../../src/mlp/random.ts'
import { applyTemperature, fitTemperature } from '../../../src/mlp/temperature.ts'

/** Examples whose labels are drawn with the probabilities of their logits, which are then told too hot or too cold. */
function draw(count: number, classes: number, sharpen: number) {
  const random = createRandom(3, 'calibration')
  const labels = new Int32Array(count)
  const told = new Float32Array(count * classes)
  for (let example = 0; example < count; example++) {
    const logits = Array.from({ length: classes }, () => 2 * random.normal())
    const honest = softmax(logits)
    const point = random.integer(1e9) / 1e9
    const below = honest.map((_, label) => honest.slice(0, label).reduce((sum, p) => sum + p, 0))
    labels[example] = below.findLastIndex(start => start <= point)
    told.set(softmax(logits.map(z => z * sharpen)), example * classes)
  }
  return { labels, told }
}

function softmax(logits: readonly number[]): number[] {
  const exponentials = logits.map(Math.exp)
  const sum = exponentials.reduce((total, x) => total + x, 0)
  return exponentials.map(x => x / sum)
}

describe('a temperature', () => {
  it('divides the logits: softmax(z / T), whatever constant the logits have', () => {
    const scaled = applyTemperature(Float32Array.from(softmax([1, 2, 4])), 3, 2)
    for (const [index, expected] of softmax([0.5, 1, 2]).entries())
      expect(scaled[index]).toBeCloseTo(expected, 6)
    const both = applyTemperature(Float32Array.of(0.2, 0.8), 2, 4) // one sigmoid unit: σ(z / T)
    expect(both[1]).toBeCloseTo(1 / (1 + (0.2 / 0.8) ** (1 / 4)), 6)
  })

  it('of 1 changes nothing but rounding, and none changes the order of classes', () => {
    const { told } = draw(50, 4, 1)
    for (const [index, p] of applyTemperature(told, 4, 1).entries())
      expect(p).toBeCloseTo(told[index] ?? 0, 6)
    const hot = applyTemperature(told, 4, 7)
    for (let from = 0; from < told.length; from += 4) {
      const best = (all: Float32Array) =>
        all.subarray(from, from + 4).reduce((b, p, i, own) => (p > (own[b] ?? 0) ? i : b), 0)
      expect(best(hot)).toBe(best(told))
    }
  })

  it.each([0.4, 1, 3])('is found again when logits are told %f times too large', sharpen => {
    const { labels, told } = draw(20_000, 4, sharpen)
    expect(fitTemperature(told, labels) / sharpen).toBeCloseTo(1, 1)
  })

  it('is where the loss is smallest', () => {
    const { labels, told } = draw(500, 3, 2.5)
    const loss = (temperature: number) => {
      const scaled = applyTemperature(told, 3, temperature)
      return labels.reduce((sum, label, example) => sum - Math.log(scaled[example * 3 + label] ?? 0), 0)
    }
    const best = fitTemperature(told, labels)
    for (const other of [0.9 * best, 1.1 * best, 1]) expect(loss(best)).toBeLessThan(loss(other))
  })

  it('stays within bounds where all is right, all is wrong, or nothing is told', () => {
    const sure = Float32Array.of(0.9, 0.1, 0.2, 0.8)
    expect(fitTemperature(sure, Int32Array.of(0, 1))).toBeCloseTo(1 / 20, 5)
    expect(fitTemperature(sure, Int32Array.of(1, 0))).toBeCloseTo(20, 3)
    expect(fitTemperature(Float32Array.of(0.5, 0.5), Int32Array.of(1))).toBe(1)
    expect(applyTemperature(Float32Array.of(1, 0), 2, 2)[0]).toBe(1)
  })
})
