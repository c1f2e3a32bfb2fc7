import { quote } from '../tables/place.ts'
import type { ArrayStatistics, ColumnStatistics, TrainingLook } from './schemas.ts'

/** A column that goes with the target so closely is more often made of it than a good one. */
const TELLING = 0.99
const OUTLIER_SHARE = 0.05
const CONSTANT_SHARE = 0.5
const WARNINGS_MAX = 20

/** What the owner should know of a look at the training examples. */
export function warnOfLook({ columns, features }: Pick<TrainingLook, 'columns' | 'features'>): string[] {
  const warnings = (columns ?? []).flatMap(column => [...warnOfTelling(column), ...warnOfOutliers(column)])
  const more = warnings.length - WARNINGS_MAX
  const said =
    more > 0 ? [...warnings.slice(0, WARNINGS_MAX), `${more} more columns have warnings, too.`] : warnings
  return features ? [...said, ...warnOfConstant(features)] : said
}

function warnOfTelling(column: ColumnStatistics): string[] {
  if (!('correlations' in column)) return []
  const telling = column.correlations?.find(({ value }) => Math.abs(value ?? 0) >= TELLING)
  if (!telling) return []
  const { target, value } = telling
  return [
    `Column ${quote(column.name)} nearly tells ${quote(target)} (correlation ${value?.toFixed(2)}): ` +
      'is it known before what is to be predicted?',
  ]
}

function warnOfOutliers(column: ColumnStatistics): string[] {
  if (!('outliers' in column) || column.outliers === null) return []
  const outliers = column.outliers.below + column.outliers.above
  const share = outliers / column.count
  if (share < OUTLIER_SHARE) return []
  const all = column.count.toLocaleString('en')
  return [
    `Column ${quote(column.name)} has ${outliers.toLocaleString('en')} outliers among ${all} values: log1p or clip may help.`,
  ]
}

function warnOfConstant({ constant, constantShare, mean }: ArrayStatistics): string[] {
  if (constantShare < CONSTANT_SHARE) return []
  return [
    `${constant.toLocaleString('en')} of ${mean.length.toLocaleString('en')} features are the same in every training example.`,
  ]
}
