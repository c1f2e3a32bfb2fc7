import { describe, expect, it } from 'vitest'
import {
  countCorrect,
  decodeOutcomes,
  encodeOutcomes,
  type Outcomes,
  recallsOf,
} from '../../../src/models/outcomes.ts'

const outcomes = (classes: number, rows: Int32Array | null = null): Outcomes => ({
  dataset: { id: 'ds_1', sha256: 'a'.repeat(64) },
  split: 'test',
  examplesSha256: 'b'.repeat(64),
  classes: Array.from({ length: classes }, (_, index) => `class ${index}`),
  rows,
  actual: Int32Array.of(0, 1, 1, classes - 1),
  predicted: Int32Array.of(0, 1, 0, classes - 1),
})

describe('outcomes', () => {
  it.each([3, 256, 257, 65_536, 65_537])('of %i classes come back as they were', classes => {
    for (const rows of [null, Int32Array.of(2, 3, 5, 70_000)]) {
      const kept = outcomes(classes, rows)
      expect(decodeOutcomes(encodeOutcomes(kept))).toEqual(kept)
    }
  })

  it('that are cut off, or are something else, are refused', () => {
    const bytes = encodeOutcomes(outcomes(3, Int32Array.of(1, 2, 3, 4)))
    expect(() => decodeOutcomes(bytes.subarray(0, -1))).toThrow('whole')
    expect(() => decodeOutcomes(Buffer.from('{"format":"other"}\n'))).toThrow('description')
  })

  it('tell how many are right, and the recall of each class', () => {
    expect(countCorrect(outcomes(3))).toBe(3)
    expect(recallsOf(outcomes(4))).toEqual([1, 1 / 2, null, 1])
  })
})
