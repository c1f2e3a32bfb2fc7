import { Type } from 'typebox'
import { type Calibration, CalibrationSchema } from './calibration.ts'
import { AveragesSchema, averageRates, ClassRatesSchema, rateClass } from './class-rates.ts'
import { FoldSummarySchema } from './fold-summary.ts'

const common = {
  split: Type.String({
    description:
      'Where the examples are from: a split, or `folds`: all of the training split, each as the fit took it that was ' +
      'not trained on it.',
  }),
  examples: Type.Integer(),
  loss: Type.Number(),
  metrics: Type.Record(Type.String(), Type.Union([Type.Number(), Type.Null()]), {
    description: 'By name; null where a metric is not defined.',
  }),
  /** Only of a job with folds. */
  ...Type.Partial(FoldSummarySchema).properties,
}

const classRates = {
  classes: Type.Array(ClassRatesSchema),
  macro: AveragesSchema,
  weighted: AveragesSchema,
}

const ClassificationSchema = Type.Object({
  task: Type.Literal('classification'),
  ...common,
  ...classRates,
  confusionMatrix: Type.Object({
    labels: Type.Array(Type.String()),
    counts: Type.Array(Type.Array(Type.Integer()), { description: '`counts[actual][predicted]`' }),
  }),
  calibration: Type.Optional(
    Type.Union([CalibrationSchema, Type.Null()], {
      description:
        'Null without validation examples, or where the outputs are no probabilities; missing in reports of earlier ' +
        'releases.',
    }),
  ),
})

const MultiLabelSchema = Type.Object({
  task: Type.Literal('multiLabel'),
  ...common,
  ...classRates,
  exactMatches: Type.Number({ description: 'Part of the examples of which every label is right.' }),
})

const RegressionSchema = Type.Object({
  task: Type.Literal('regression'),
  ...common,
  targets: Type.Array(
    Type.Object({
      name: Type.String(),
      meanAbsoluteError: Type.Number(),
      rootMeanSquaredError: Type.Number(),
      r2: Type.Union([Type.Number(), Type.Null()], { description: 'Null when all targets are equal.' }),
      residuals: Type.Object(
        {
          min: Type.Number(),
          lowerQuartile: Type.Number(),
          median: Type.Number(),
          upperQuartile: Type.Number(),
          max: Type.Number(),
        },
        { description: 'Of prediction − truth.' },
      ),
    }),
    { description: 'In the units of each target.' },
  ),
})

/** How good a finished model is, on examples that it was not trained on. */
export const EvaluationSchema = Type.Union([ClassificationSchema, MultiLabelSchema, RegressionSchema], {
  title: 'Evaluation',
})

/** How good a finished model is. */
export type Evaluation = Type.Static<typeof EvaluationSchema>

/** How good a finished classifier is. */
export type ClassEvaluation = Type.Static<typeof ClassificationSchema>

/** Metrics that a report always has. */
export const REPORTED_METRICS: Readonly<Record<Evaluation['task'], readonly string[]>> = {
  classification: ['accuracy', 'logLoss', 'auc'],
  multiLabel: ['accuracy', 'auc'],
  regression: ['meanAbsoluteError', 'rootMeanSquaredError', 'r2'],
}

/** What every report is made from. */
export interface Scored {
  split: string
  loss: number
  /** By name. */
  metrics: Record<string, number | null>
}

/**
 * The report of predicted against actual classes.
 * @param actual - class indices, one for each example
 * @param predicted - class indices, in the same order
 * @see scikit-learn, `classification_report` and `confusion_matrix`
 */
export function evaluateClasses(
  { split, loss, metrics, calibration }: Scored & { calibration?: Calibration | null },
  labels: readonly string[],
  actual: ArrayLike<number>,
  predicted: ArrayLike<number>,
): ClassEvaluation {
  const counts = labels.map(() => labels.map(() => 0))
  for (let example = 0; example < actual.length; example++) {
    const row = counts[actual[example] ?? -1]
    const column = predicted[example] ?? -1
    if (row?.[column] !== undefined) row[column]++
  }
  const examples = actual.length
  const found = (index: number) => counts[index]?.[index] ?? 0
  const classes = labels.map((label, index) =>
    rateClass(label, {
      found: found(index),
      predicted: sum(counts.map(row => row[index] ?? 0)),
      support: sum(counts[index] ?? []),
    }),
  )
  return {
    task: 'classification',
    split,
    examples,
    loss,
    metrics: { ...metrics, accuracy: sum(labels.map((_, index) => found(index))) / examples },
    classes,
    ...averageRates(classes),
    confusionMatrix: { labels: [...labels], counts },
    ...(calibration !== undefined && { calibration }),
  }
}

/**
 * The report where an example may have several labels; a label is predicted from 0.5 on.
 * @param actual - `[examples, labels]`, 0 or 1
 * @param predicted - `[examples, labels]`, probabilities
 */
export function evaluateLabels(
  { split, loss, metrics }: Scored,
  labels: readonly string[],
  actual: Float32Array,
  predicted: Float32Array,
): Evaluation {
  const examples = actual.length / labels.length
  const counts = labels.map(() => ({ found: 0, predicted: 0, support: 0 }))
  let exactMatches = 0
  for (let example = 0; example < examples; example++) {
    let isExact = true
    for (const [index, count] of counts.entries()) {
      const at = example * labels.length + index
      const [isSo, isPredicted] = [actual[at] === 1, (predicted[at] ?? 0) >= 0.5]
      if (isSo) count.support++
      if (isPredicted) count.predicted++
      if (isSo && isPredicted) count.found++
      isExact &&= isSo === isPredicted
    }
    if (isExact) exactMatches++
  }
  const classes = labels.map((label, index) =>
    rateClass(label, counts[index] ?? { found: 0, predicted: 0, support: 0 }),
  )
  return {
    task: 'multiLabel',
    split,
    examples,
    loss,
    metrics,
    classes,
    ...averageRates(classes),
    exactMatches: exactMatches / examples,
  }
}

/**
 * The report of predicted against true numbers, in the units of the targets.
 * @param actual - `[examples, targets]`
 * @param predicted - `[examples, targets]`
 */
export function evaluateNumbers(
  { split, loss, metrics }: Scored,
  names: readonly string[],
  actual: Float32Array,
  predicted: Float32Array,
): Evaluation {
  const examples = actual.length / names.length
  const column = (numbers: Float32Array, target: number) =>
    Float64Array.from({ length: examples }, (_, row) => numbers[row * names.length + target] ?? Number.NaN)
  return {
    task: 'regression',
    split,
    examples,
    loss,
    metrics,
    targets: names.map((name, target) => ({
      name,
      ...rateNumbers(column(actual, target), column(predicted, target)),
    })),
  }
}

function rateNumbers(actual: Float64Array, predicted: Float64Array) {
  const residuals = predicted.map((prediction, row) => prediction - (actual[row] ?? 0))
  const count = actual.length
  const center = sum(actual) / count
  const squares = sum(residuals.map(residual => residual ** 2))
  const spread = sum(actual.map(truth => (truth - center) ** 2))
  const sorted = residuals.toSorted()
  const at = (part: number) => sorted[Math.round(part * (count - 1))] ?? 0
  return {
    meanAbsoluteError: sum(residuals.map(Math.abs)) / count,
    rootMeanSquaredError: Math.sqrt(squares / count),
    r2: spread === 0 ? null : 1 - squares / spread,
    residuals: {
      min: at(0),
      lowerQuartile: at(0.25),
      median: at(0.5),
      upperQuartile: at(0.75),
      max: at(1),
    },
  }
}

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const number of numbers) total += number
  return total
}
