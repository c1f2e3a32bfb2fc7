import { Type } from 'typebox'

const Rate = Type.Number({ minimum: 0, maximum: 1 })
const UndefinedRate = Type.Union([Rate, Type.Null()], {
  description: 'Null when there is nothing to divide by.',
})
const Averages = Type.Object({ precision: Rate, recall: Rate, f1: Rate })

/** How good a finished model is, on examples that it was not trained on. */
export const EvaluationSchema = Type.Object(
  {
    split: Type.String({ description: 'Where the examples are from.' }),
    examples: Type.Integer(),
    loss: Type.Number(),
    metrics: Type.Record(Type.String(), Type.Union([Type.Number(), Type.Null()]), {
      description: 'By name; null where a metric is not defined.',
    }),
    classes: Type.Array(
      Type.Object({
        label: Type.String(),
        precision: UndefinedRate,
        recall: UndefinedRate,
        f1: UndefinedRate,
        support: Type.Integer({ description: 'Examples that are of this class.' }),
      }),
    ),
    macro: Averages,
    weighted: Averages,
    confusionMatrix: Type.Object({
      labels: Type.Array(Type.String()),
      counts: Type.Array(Type.Array(Type.Integer()), { description: '`counts[actual][predicted]`' }),
    }),
  },
  { title: 'Evaluation' },
)

/** How good a finished model is. */
export type Evaluation = Type.Static<typeof EvaluationSchema>

/**
 * The report of predicted against actual classes. Averages count an undefined precision or recall as 0.
 * @param actual - class indices, one for each example
 * @param predicted - class indices, in the same order
 * @see scikit-learn, `classification_report` with `zero_division=0`
 */
export function evaluateClasses(input: {
  split: string
  labels: readonly string[]
  actual: ArrayLike<number>
  predicted: ArrayLike<number>
  loss: number
  /** Further metrics by name. */
  metrics?: Record<string, number | null>
}): Evaluation {
  const { labels, actual, predicted } = input
  const counts = labels.map(() => labels.map(() => 0))
  for (let example = 0; example < actual.length; example++) {
    const row = counts[actual[example] ?? -1]
    const column = predicted[example] ?? -1
    if (row?.[column] !== undefined) row[column]++
  }
  const examples = actual.length
  const classes = labels.map((label, index) => rateClass(label, index, counts))
  const correct = labels.reduce((sum, _, index) => sum + (counts[index]?.[index] ?? 0), 0)
  return {
    split: input.split,
    examples,
    loss: input.loss,
    metrics: { ...input.metrics, accuracy: correct / examples },
    classes,
    macro: average(classes, () => 1 / classes.length),
    weighted: average(classes, ({ support }) => support / examples),
    confusionMatrix: { labels: [...labels], counts },
  }
}

type ClassRates = Evaluation['classes'][number]

function rateClass(label: string, index: number, counts: readonly number[][]): ClassRates {
  const truePositives = counts[index]?.[index] ?? 0
  const support = sum(counts[index] ?? [])
  const predictions = sum(counts.map(row => row[index] ?? 0))
  const precision = divide(truePositives, predictions)
  const recall = divide(truePositives, support)
  // F1 = 2TP / (2TP + FP + FN), which is the harmonic mean of the two.
  return { label, precision, recall, f1: divide(2 * truePositives, predictions + support), support }
}

function average(classes: readonly ClassRates[], weightOf: (rates: ClassRates) => number) {
  const mean = (pick: (rates: ClassRates) => number | null) =>
    Math.min(1, sum(classes.map(rates => (pick(rates) ?? 0) * weightOf(rates))))
  return { precision: mean(r => r.precision), recall: mean(r => r.recall), f1: mean(r => r.f1) }
}

function divide(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
