import { describe, expect, it } from 'vitest'
import { countReliability } from '../../../src/metrics/calibration.ts'

describe('reliability', () => {
  it('is the mean distance of accuracy and confidence, weighed by the examples of each bin', () => {
    const counter = countReliability()
    // Two of confidence 0.9, one right; two of 0.7, both right.
    counter.add(Float32Array.of(0.9, 0.1, 0.9, 0.1), Int32Array.of(0, 1))
    counter.add(Float32Array.of(0.3, 0.7, 0.7, 0.3), Int32Array.of(1, 0))
    const { expectedCalibrationError, logLoss, bins } = counter.value()
    expect(expectedCalibrationError).toBeCloseTo(
      (2 / 4) * Math.abs(0.5 - 0.9) + (2 / 4) * Math.abs(1 - 0.7),
      6,
    )
    expect(logLoss).toBeCloseTo(-(Math.log(0.9) + Math.log(0.1) + 2 * Math.log(0.7)) / 4, 6)
    expect(bins).toHaveLength(15)
    expect(
      bins
        .filter(({ examples }) => examples > 0)
        .map(({ from, examples, accuracy }) => [from, examples, accuracy]),
    ).toEqual([
      [10 / 15, 2, 1],
      [13 / 15, 2, 0.5],
    ])
    expect(bins[0]).toMatchObject({ examples: 0, accuracy: null, confidence: null })
  })

  it('puts certainty into the last bin, where it is no error when it is right', () => {
    const counter = countReliability()
    counter.add(Float32Array.of(1, 0), Int32Array.of(0))
    const { expectedCalibrationError, bins } = counter.value()
    expect([expectedCalibrationError, bins[14]?.examples]).toEqual([0, 1])
  })
})
