import type { Column } from '../datasets/columns.ts'
import { scaleOf } from './columns/numeric.ts'
import { columnKindOf } from './columns/registry.ts'
import { mean, standardDeviation } from './figures.ts'
import type {
  FittedPreprocessing,
  FittedTarget,
  NumberPreprocessing,
  Preprocessing,
  TablePreprocessing,
  TargetScaling,
} from './preprocessing.ts'

/** The training examples, as figures are learnt from them. */
export interface FittingExamples {
  columns: readonly Column[] | null
  count: number
  features: number
  /** All cells of one feature, in the data's own units. */
  readFeature(feature: number): Float64Array
  /** Targets of a regression, `[count, targets]` row by row; null for other tasks. */
  targets: Float32Array | null
}

/** Learns the figures of a preprocessing from the training examples. */
export function fitPreprocessing(
  preprocessing: Preprocessing,
  examples: FittingExamples,
): FittedPreprocessing {
  const { target: scaling } = preprocessing
  const target = scaling &&
    examples.targets && { target: fitTargets(scaling, examples.targets, examples.count) }
  const image = 'image' in preprocessing && preprocessing.image && { image: preprocessing.image }
  const features =
    'columns' in preprocessing ? fitTable(preprocessing, examples) : fitNumbers(preprocessing, examples)
  return { ...features, ...image, ...target }
}

function fitTable({ columns: specs }: TablePreprocessing, { columns, readFeature }: FittingExamples) {
  const fitted = (columns ?? []).map((column, feature) => {
    const spec = specs[column.name] ?? null
    const kind = columnKindOf(column.type)
    return [column.name, spec && kind ? kind.fit(column, spec, readFeature(feature)) : null] as const
  })
  return { columns: Object.fromEntries(fitted) }
}

function fitNumbers(preprocessing: NumberPreprocessing, { features, readFeature }: FittingExamples) {
  if ('scale' in preprocessing) {
    const { scale, offset } = preprocessing
    return { scale, ...(offset !== undefined && { offset }) }
  }
  const figures = Array.from({ length: features }, (_, feature) => {
    const cells = readFeature(feature)
    const center = mean(cells)
    return { center, deviation: standardDeviation(cells, center) }
  })
  if (preprocessing.standardize === 'perFeature') {
    return {
      centers: figures.map(({ center }) => center),
      spreads: figures.map(({ deviation }) => deviation || 1),
    }
  }
  const center = mean(Float64Array.from(figures, figure => figure.center))
  // The variance of all numbers is the mean variance of the features and the variance of their means.
  const variance = mean(Float64Array.from(figures, f => f.deviation ** 2 + (f.center - center) ** 2))
  const spread = Math.sqrt(variance) || 1
  return { scale: 1 / spread, offset: -center / spread }
}

function fitTargets(scaling: TargetScaling, targets: Float32Array, count: number): FittedTarget[] {
  const units = targets.length / Math.max(1, count)
  return Array.from({ length: units }, (_, unit) => {
    const own = Float64Array.from({ length: count }, (_, row) => targets[row * units + unit] ?? 0)
    return scaleOf(scaling, own)
  })
}
