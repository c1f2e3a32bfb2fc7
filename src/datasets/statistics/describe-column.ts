import { describeCell } from '../cells.ts'
import type { Column } from '../columns.ts'
import type { ColumnProfile } from './column-profile.ts'
import type { Spread } from './column-spread.ts'
import type { ColumnStatistics, Correlation, TargetStatistics } from './schemas.ts'

const TOP = 20
const DAY_MS = 24 * 60 * 60 * 1_000
/** What a Date can be. @see ECMAScript, section "Time Values and Time Range" */
const DATE_MS_MAX = 8.64e15

/** What the figures of a column say. */
export function describeColumn(
  column: Column,
  profile: ColumnProfile,
  spread: Spread | null,
  correlations: Correlation[] | null,
): ColumnStatistics {
  const { name } = column
  const { count, missing } = profile
  const counts = { count, missing, distinct: profile.distinct.count() }
  switch (column.type) {
    case 'numeric':
      return { name, type: 'numeric', ...counts, ...describeSpread(profile, spread), correlations }
    case 'datetime':
      return { name, type: 'datetime', ...counts, ...describeDates(column, profile, spread), correlations }
    case 'boolean':
    case 'categorical':
      return { name, type: column.type, ...counts, top: mostFrequent(column, profile), correlations }
    case 'id':
    case 'text':
      return { name, type: column.type, ...counts }
  }
}

/**
 * What the figures of a number to be learnt say.
 * @param name - null where it has none
 */
export function describeTarget(
  name: string | null,
  profile: ColumnProfile,
  spread: Spread | null,
): TargetStatistics {
  const { count, missing } = profile
  return { name, count, missing, distinct: profile.distinct.count(), ...describeSpread(profile, spread) }
}

type SpreadFigures = Omit<TargetStatistics, 'name' | 'count' | 'missing' | 'distinct'>

function describeSpread(profile: ColumnProfile, spread: Spread | null): SpreadFigures {
  const { count, min, max, mean, squares } = profile
  if (count === 0 || spread === null) return NOTHING
  const { quartiles, below, above, lowerFence, upperFence, bins } = spread
  return {
    min,
    quartiles,
    max,
    mean: finite(mean),
    standardDeviation: finite(Math.sqrt(squares / count)),
    outliers: { below, above, lowerFence: finite(lowerFence), upperFence: finite(upperFence) },
    histogram: { from: bins.from, to: bins.to, counts: [...bins.counts] },
  }
}

const NOTHING: SpreadFigures = {
  min: null,
  quartiles: null,
  max: null,
  mean: null,
  standardDeviation: null,
  outliers: null,
  histogram: null,
}

/** The same with dates in place of milliseconds. */
function describeDates(
  column: Extract<Column, { type: 'datetime' }>,
  profile: ColumnProfile,
  spread: Spread | null,
): SpreadFigures {
  const { standardDeviation, outliers, quartiles, histogram, min, max, mean } = describeSpread(
    profile,
    spread,
  )
  // Between two dates may be a time of day; fences may lie before the first date and after the last.
  const between = { ...column, hasTime: true }
  const toDate = (value: number | string, described: Column = column) =>
    String(describeCell(described, Math.max(-DATE_MS_MAX, Math.min(DATE_MS_MAX, Number(value)))))
  const orNull = (value: number | string | null, described?: Column) =>
    value === null ? null : toDate(value, described)
  return {
    min: orNull(min),
    quartiles: quartiles?.map(value => toDate(value, between)) ?? null,
    max: orNull(max),
    mean: orNull(mean, between),
    standardDeviation: standardDeviation === null ? null : standardDeviation / DAY_MS,
    outliers: outliers && {
      ...outliers,
      lowerFence: orNull(outliers.lowerFence, between),
      upperFence: orNull(outliers.upperFence, between),
    },
    histogram: histogram && {
      ...histogram,
      from: toDate(histogram.from),
      to: toDate(histogram.to),
    },
  }
}

function mostFrequent(
  column: Extract<Column, { type: 'boolean' | 'categorical' }>,
  { codeCounts }: ColumnProfile,
): { value: string | boolean; count: number }[] {
  return codeCounts
    .map((count, code) => ({
      value: column.type === 'boolean' ? code === 1 : (column.categories[code] ?? ''),
      count,
    }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, TOP)
}

/** Null beyond what a number can hold. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
