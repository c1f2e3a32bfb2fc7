import type { Type } from 'typebox'
import { present, quantile, rangeOf } from '../figures.ts'
import { type ColumnKind, ColumnOptionError } from './column-kind.ts'
import type { DatetimePartSchema } from './column-request.ts'
import { scaleOf } from './numeric.ts'

/** A part of a time that comes round again. */
export type DatetimePart = Type.Static<typeof DatetimePartSchema>

/** How a column of times is prepared, with the defaults filled in. */
export interface DatetimeSpec {
  parts: DatetimePart[]
  elapsed: boolean
  impute: 'median' | 'constant'
  /** With `constant`: ISO 8601. */
  fill?: string
  indicator: boolean
}

/** The figures of a column of times; in milliseconds since 1970. */
export interface FittedDatetime {
  parts: DatetimePart[]
  elapsed: boolean
  fill: number
  indicator: boolean
  center: number
  spread: number
  /** Of the training examples; null where none had a time. Missing: made by an earlier release. */
  range?: [number, number] | null
}

/** How far a part has come round, 0 … 1, in UTC. */
const PHASES: Record<DatetimePart, (time: Date) => number> = {
  month: time => time.getUTCMonth() / 12,
  dayOfMonth: time => (time.getUTCDate() - 1) / 31,
  dayOfWeek: time => time.getUTCDay() / 7,
  hour: time => (time.getUTCHours() + time.getUTCMinutes() / 60) / 24,
  minute: time => time.getUTCMinutes() / 60,
}

/** Parts that come round are a point on a circle, so that December is next to January; besides, how late it is. */
export const datetime: ColumnKind<'datetime', DatetimeSpec, FittedDatetime> = {
  options: ['impute', 'fill', 'indicator', 'parts', 'elapsed'],
  resolve({ missing, hasTime }, { impute = 'median', fill, indicator, parts, elapsed = true }) {
    if (impute !== 'median' && impute !== 'constant') {
      throw new ColumnOptionError('impute', `must be median or constant for times; received ${impute}`)
    }
    if (impute === 'constant' && Number.isNaN(Date.parse(String(fill)))) {
      throw new ColumnOptionError('fill', `must be a time as ISO 8601; received ${JSON.stringify(fill)}`)
    }
    if (parts?.length === 0 && !elapsed) {
      throw new ColumnOptionError(
        'parts',
        'must not be empty without elapsed: nothing of the time would be left',
      )
    }
    return {
      parts: parts ?? (hasTime ? ['month', 'dayOfWeek', 'hour'] : ['month', 'dayOfWeek']),
      elapsed,
      impute,
      ...(impute === 'constant' && { fill: String(fill) }),
      indicator: indicator ?? missing > 0,
    }
  },
  inputs: ({ parts, elapsed, indicator }) => [
    ...parts.flatMap(part => [`sine of ${part}`, `cosine of ${part}`]),
    ...(elapsed ? ['elapsed'] : []),
    ...(indicator ? ['is missing'] : []),
  ],
  fit(_column, { impute, fill, ...spec }, cells) {
    const known = present(cells)
    const middle = impute === 'constant' ? Date.parse(fill ?? '') : quantile(known.slice().sort(), 0.5)
    const filled = cells.map(cell => (Number.isNaN(cell) ? middle : cell))
    return { ...spec, fill: middle, ...scaleOf('standardize', filled), range: rangeOf(known) }
  },
  width: ({ parts, elapsed, indicator }) => 2 * parts.length + (elapsed ? 1 : 0) + (indicator ? 1 : 0),
  compile(_column, { parts, elapsed, fill, indicator, center, spread }) {
    return (cell, inputs, at) => {
      const isMissing = Number.isNaN(cell)
      const milliseconds = isMissing ? fill : cell
      const time = new Date(milliseconds)
      let place = at
      for (const part of parts) {
        const angle = 2 * Math.PI * PHASES[part](time)
        inputs[place++] = Math.sin(angle)
        inputs[place++] = Math.cos(angle)
      }
      if (elapsed) inputs[place++] = (milliseconds - center) / spread
      if (indicator) inputs[place] = isMissing ? 1 : 0
    }
  },
}
