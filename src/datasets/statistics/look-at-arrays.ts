import { createByteHistogram } from '../byte-histogram.ts'
import type { DatasetContent } from '../content.ts'
import { featureCount } from '../content.ts'
import type { FeatureStatistics } from '../schemas.ts'
import { readBlocks, type SplitSource } from '../split-blocks.ts'
import { createNumberBins } from './number-bins.ts'
import type { ArrayStatistics } from './schemas.ts'

/**
 * Looks at features without names, bytes or float32, all together and place by place.
 * @param figures - of the same examples
 */
export async function lookAtArrays(
  meaning: Pick<DatasetContent, 'shape' | 'dtype' | 'task' | 'classes' | 'targets'>,
  source: SplitSource,
  figures: Pick<FeatureStatistics, 'min' | 'max'>,
): Promise<ArrayStatistics> {
  const width = featureCount(meaning.shape)
  const sums = new Float64Array(width)
  const first = new Float64Array(width)
  const varies = new Uint8Array(width)
  const histogram = meaning.dtype === 'uint8' ? countBytes() : countFloats(figures.min ?? 0, figures.max ?? 0)
  for await (const { features, first: row, rows } of readBlocks(meaning, source)) {
    const numbers =
      meaning.dtype === 'uint8'
        ? features
        : new Float32Array(features.buffer, features.byteOffset, features.byteLength / 4)
    if (row === 0) first.set(numbers.subarray(0, width))
    addRows(numbers, rows, width, { sums, first, varies })
    histogram.add(numbers)
  }
  const constant = varies.reduce((count, isVarying) => count + (isVarying ? 0 : 1), 0)
  return {
    mean: Array.from(sums, sum => sum / source.examples),
    constant,
    constantShare: constant / width,
    histogram: histogram.figures(),
  }
}

function addRows(
  numbers: Uint8Array | Float32Array,
  rows: number,
  width: number,
  into: { sums: Float64Array; first: Float64Array; varies: Uint8Array },
): void {
  const { sums, first, varies } = into
  for (let row = 0, at = 0; row < rows; row++) {
    for (let place = 0; place < width; place++, at++) {
      const number = numbers[at] ?? 0
      sums[place] = (sums[place] ?? 0) + number
      if (number !== first[place]) varies[place] = 1
    }
  }
}

/** A histogram of features. */
interface FeatureHistogram {
  add(numbers: Uint8Array | Float32Array): void
  figures(): ArrayStatistics['histogram']
}

function countBytes(): FeatureHistogram {
  const histogram = createByteHistogram()
  return {
    add(numbers) {
      if (numbers instanceof Uint8Array) histogram.add(numbers)
    },
    figures: () => ({ from: 0, to: 255, counts: [...histogram.counts] }),
  }
}

function countFloats(min: number, max: number): FeatureHistogram {
  const bins = createNumberBins(min, max, false)
  return {
    add(numbers) {
      for (let at = 0; at < numbers.length; at++) bins.add(numbers[at] ?? 0)
    },
    figures: () => ({ from: bins.from, to: bins.to, counts: [...bins.counts] }),
  }
}
