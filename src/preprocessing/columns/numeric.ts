import { mean, mostFrequent, present, quantile, rangeOf, standardDeviation } from '../figures.ts'
import { type ColumnKind, ColumnOptionError } from './column-kind.ts'
import type { ColumnRequest } from './column-request.ts'

/** How a column of numbers is prepared, with the defaults filled in. */
export interface NumericSpec {
  impute: 'mean' | 'median' | 'mostFrequent' | 'constant'
  /** With `constant`. */
  fill?: number
  indicator: boolean
  /** Quantiles. */
  clip?: [number, number]
  log1p: boolean
  scale: 'standardize' | 'minMax' | 'none'
}

/** The figures of a column of numbers. */
export interface FittedNumeric {
  /** In place of a missing number. */
  fill: number
  indicator: boolean
  /** Beyond these numbers are cut off. */
  clip: [number, number] | null
  log1p: boolean
  /** (x − center) / spread goes into the network. */
  center: number
  spread: number
  /** Of the training examples, as they were; null where none had a number. Missing: made by an earlier release. */
  range?: [number, number] | null
}

/**
 * In this order: missing numbers are filled in, outliers cut off, the logarithm taken, and the result scaled. The
 * figures of each step are those of the training examples after the steps before it.
 * @see scikit-learn, SimpleImputer, StandardScaler and MinMaxScaler: population deviation, and 1 where it is 0
 */
export const numeric: ColumnKind<'numeric', NumericSpec, FittedNumeric> = {
  options: ['impute', 'fill', 'indicator', 'clip', 'log1p', 'scale'],
  resolve({ missing }, request) {
    const { impute = 'median', clip } = request
    if (impute === 'category') {
      throw new ColumnOptionError('impute', 'missing numbers cannot be a category; the indicator tells them')
    }
    if (clip && clip[0] >= clip[1]) {
      throw new ColumnOptionError('clip', `the quantiles must ascend; received ${clip.join(' and ')}`)
    }
    return {
      impute,
      ...(impute === 'constant' && { fill: constantFill(request) }),
      indicator: request.indicator ?? missing > 0,
      ...(clip && { clip }),
      log1p: request.log1p ?? false,
      scale: request.scale ?? 'standardize',
    }
  },
  inputs: ({ indicator }) => (indicator ? ['value', 'is missing'] : ['value']),
  fit(_column, spec, cells) {
    const known = present(cells)
    const fill = fillOf(spec, known)
    const filled = cells.map(cell => (Number.isNaN(cell) ? fill : cell))
    const sorted = spec.clip ? filled.slice().sort() : null
    const clip: [number, number] | null =
      spec.clip && sorted ? [quantile(sorted, spec.clip[0]), quantile(sorted, spec.clip[1])] : null
    const shaped = filled.map(cell => shape(cell, clip, spec.log1p))
    const { indicator, log1p } = spec
    return { fill, indicator, clip, log1p, ...scaleOf(spec.scale, shaped), range: rangeOf(known) }
  },
  width: ({ indicator }) => (indicator ? 2 : 1),
  compile(_column, { fill, indicator, clip, log1p, center, spread }) {
    return (cell, inputs, at) => {
      const isMissing = Number.isNaN(cell)
      inputs[at] = (shape(isMissing ? fill : cell, clip, log1p) - center) / spread
      if (indicator) inputs[at + 1] = isMissing ? 1 : 0
    }
  },
}

function constantFill({ fill }: ColumnRequest): number {
  if (typeof fill === 'number') return fill
  throw new ColumnOptionError(
    'fill',
    `must be a number with impute constant; received ${JSON.stringify(fill)}`,
  )
}

function fillOf({ impute, fill = 0 }: NumericSpec, known: Float64Array): number {
  switch (impute) {
    case 'mean':
      return mean(known)
    case 'median':
      return quantile(known.slice().sort(), 0.5)
    case 'mostFrequent':
      return mostFrequent(known) ?? 0
    case 'constant':
      return fill
  }
}

function shape(cell: number, clip: readonly [number, number] | null, log1p: boolean): number {
  const cut = clip ? Math.min(clip[1], Math.max(clip[0], cell)) : cell
  return log1p ? Math.sign(cut) * Math.log1p(Math.abs(cut)) : cut
}

/** Center and spread of numbers; a spread of 0 counts as 1. */
export function scaleOf(
  scaling: NumericSpec['scale'],
  numbers: Float64Array,
): { center: number; spread: number } {
  switch (scaling) {
    case 'standardize': {
      const center = mean(numbers)
      return { center, spread: standardDeviation(numbers, center) || 1 }
    }
    case 'minMax': {
      const [low, high] = rangeOf(numbers) ?? [0, 0]
      return { center: low, spread: high - low || 1 }
    }
    case 'none':
      return { center: 0, spread: 1 }
  }
}
