import { describe, expect, it } from 'vitest'
import { fillDropoutMask, type PhiloxKey, philox4x32, philoxKey } from '../../../src/mlp/philox.ts'

const EXAMPLES = 2_000
const UNITS = 10
const RATE = 0.3

function maskOf(place: { key?: PhiloxKey; step?: number; rate?: number; examples?: number; units?: number }) {
  const { key = philoxKey(5, 'dropout/dropout_2'), step = 7, rate = RATE } = place
  const { examples = EXAMPLES, units = UNITS } = place
  const mask = new Float32Array(examples * units)
  fillDropoutMask(mask, units, { rate, key, step })
  return Array.from(mask)
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length

describe('Philox-4x32-10', () => {
  const words = (text: string) => text.split(' ').map(word => Number.parseInt(word, 16))
  // Random123, tests/kat_vectors: counter, key, result.
  it.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('takes the counter %s and the key %s to %s', (counter, key, expected) => {
    const block = Uint32Array.from(words(counter))
    const [low = 0, high = 0] = words(key)
    philox4x32(block, [low, high])
    expect(Array.from(block)).toEqual(words(expected))
  })
})

describe('a mask of dropout', () => {
  it('drops its rate of the units, and scales the others so that the mean stays 1', () => {
    const mask = maskOf({})
    expect([...new Set(mask)].sort()).toEqual([0, Math.fround(1 / 0.7)])
    // Of n independent units the dropped part has the deviation √(rate (1 − rate) / n).
    const deviation = Math.sqrt((RATE * (1 - RATE)) / mask.length)
    expect(Math.abs(mask.filter(factor => factor === 0).length / mask.length - RATE)).toBeLessThan(
      4 * deviation,
    )
    expect(Math.abs(mean(mask) - 1)).toBeLessThan((4 * deviation) / (1 - RATE))
  })

  it('drops every unit and every example alike', () => {
    const mask = maskOf({})
    const kept = (indices: number[]) => mean(indices.map(index => (mask[index] === 0 ? 0 : 1)))
    for (let unit = 0; unit < UNITS; unit++) {
      const column = Array.from({ length: EXAMPLES }, (_, example) => example * UNITS + unit)
      expect(Math.abs(kept(column) - 0.7), `unit ${unit}`).toBeLessThan(5 * Math.sqrt(0.21 / EXAMPLES))
    }
  })

  it('holds the numbers of its counters: the low 23 bits of each, an example after the other', () => {
    const key: PhiloxKey = [0xa4093822, 0x299f31d0]
    // Two examples of six units take two counters each: 0 and 1, then 2 and 3.
    const expected = [0, 1, 2, 3].flatMap(counter => {
      const block = Uint32Array.of(counter, 0, 7, 0)
      philox4x32(block, key)
      return Array.from(block)
        .map(word => (word % 2 ** 23) / 2 ** 23)
        .slice(0, counter % 2 === 0 ? 4 : 2)
    })
    expect(maskOf({ key, rate: 0.5, examples: 2, units: 6 })).toEqual(expected.map(u => (u < 0.5 ? 0 : 2)))
  })

  it('is decided by the key and the step, and its first examples not by those behind them', () => {
    expect(maskOf({})).toEqual(maskOf({}))
    expect(maskOf({ examples: 3 })).toEqual(maskOf({}).slice(0, 3 * UNITS))
  })

  it.each([
    ['another step', { step: 8 }],
    ['another seed', { key: philoxKey(6, 'dropout/dropout_2') }],
    ['another layer', { key: philoxKey(5, 'dropout/dropout_3') }],
  ])('has nothing in common with that of %s', (_, place) => {
    const [own, other] = [maskOf({}), maskOf(place)]
    const both = mean(own.map((factor, index) => (factor === 0 && other[index] === 0 ? 1 : 0)))
    expect(Math.abs(both - RATE ** 2)).toBeLessThan(4 * Math.sqrt((0.09 * 0.91) / own.length))
  })
})
