import { describe, expect, it } from 'vitest'
import { createByteHistogram, occurringValues, summarize } from '../../../src/datasets/byte-histogram.ts'

function histogramOf(...pieces: number[][]) {
  const histogram = createByteHistogram()
  for (const piece of pieces) histogram.add(Uint8Array.from(piece))
  return histogram
}

describe('a histogram of bytes', () => {
  it('counts each value over all pieces', () => {
    const { counts } = histogramOf([0, 3, 3], [], [255, 3])
    expect(counts).toHaveLength(256)
    expect([counts[0], counts[3], counts[255], counts[1]]).toEqual([1, 3, 1, 0])
  })

  it('names the values that occur, in order', () => {
    expect(occurringValues(histogramOf([9, 0, 255, 9]))).toEqual([0, 9, 255])
    expect(occurringValues(histogramOf())).toEqual([])
  })

  it('gives the extremes, the mean and the deviation of the population', () => {
    // The textbook example: mean 40 / 8, variance (9 + 1 + 1 + 1 + 0 + 0 + 4 + 16) / 8 = 4
    expect(summarize(histogramOf([2, 4, 4, 4], [5, 5, 7, 9]))).toEqual({
      min: 2,
      max: 9,
      mean: 5,
      standardDeviation: 2,
    })
  })

  it('has no deviation when all bytes are the same', () => {
    expect(summarize(histogramOf([255, 255, 255]))).toEqual({
      min: 255,
      max: 255,
      mean: 255,
      standardDeviation: 0,
    })
  })
})
