import { mostFrequent, present } from '../figures.ts'
import { type ColumnKind, ColumnOptionError } from './column-kind.ts'

/** How a column of booleans is prepared, with the defaults filled in. */
export interface BooleanSpec {
  impute: 'mostFrequent' | 'constant'
  /** With `constant`: 0 or 1. */
  fill?: number
  indicator: boolean
}

/** The figures of a column of booleans. */
export interface FittedBoolean {
  fill: number
  indicator: boolean
}

/** Booleans are 0 and 1. */
export const boolean: ColumnKind<'boolean', BooleanSpec, FittedBoolean> = {
  options: ['impute', 'fill', 'indicator'],
  resolve({ missing }, { impute = 'mostFrequent', fill, indicator }) {
    if (impute !== 'mostFrequent' && impute !== 'constant') {
      throw new ColumnOptionError(
        'impute',
        `must be mostFrequent or constant for booleans; received ${impute}`,
      )
    }
    if (impute === 'constant' && fill !== 0 && fill !== 1) {
      throw new ColumnOptionError('fill', `must be 0 or 1 for booleans; received ${JSON.stringify(fill)}`)
    }
    return {
      impute,
      ...(impute === 'constant' && { fill: Number(fill) }),
      indicator: indicator ?? missing > 0,
    }
  },
  inputs: ({ indicator }) => (indicator ? ['value', 'is missing'] : ['value']),
  fit: (_column, { impute, fill = 0, indicator }, cells) => ({
    fill: impute === 'constant' ? fill : (mostFrequent(present(cells)) ?? 0),
    indicator,
  }),
  width: ({ indicator }) => (indicator ? 2 : 1),
  compile(_column, { fill, indicator }) {
    return (cell, inputs, at) => {
      const isMissing = Number.isNaN(cell)
      inputs[at] = isMissing ? fill : cell
      if (indicator) inputs[at + 1] = isMissing ? 1 : 0
    }
  },
}
