import { Type } from 'typebox'

const figures = {
  loss: Type.Number(),
  metrics: Type.Record(Type.String(), Type.Union([Type.Number(), Type.Null()])),
}

/** What the fit of one fold gave on the examples of that fold. */
export const FoldSchema = Type.Object(
  {
    fold: Type.Integer({ description: 'From 1.' }),
    examples: Type.Integer({ description: 'That it was validated on.' }),
    epochs: Type.Integer({ description: 'That the weights were trained for which were validated.' }),
    ...figures,
  },
  { title: 'Fold' },
)

/** What the fit of one fold gave. */
export type Fold = Type.Static<typeof FoldSchema>

/** What a report has besides where a job has folds. */
export const FoldSummarySchema = Type.Object({
  folds: Type.Array(FoldSchema),
  mean: Type.Object(figures, {
    description: 'Over the folds, each counting alike; of a metric over those that define it.',
  }),
  deviation: Type.Object(figures, {
    description:
      'Standard deviation of the sample (divided by k − 1); null where fewer than two folds define it.',
  }),
})

/** Mean and deviation of folds. */
export type FoldSummary = Type.Static<typeof FoldSummarySchema>

/**
 * Puts the results of the folds together.
 * @param folds - at least two, which all have the same metrics
 */
export function summarizeFolds(folds: readonly Fold[]): FoldSummary {
  const names = Object.keys(folds[0]?.metrics ?? {})
  const losses = folds.map(({ loss }) => loss)
  const each = (measure: (numbers: readonly number[]) => number | null) =>
    Object.fromEntries(
      names.map(name => [name, measure(folds.flatMap(({ metrics }) => metrics[name] ?? []))] as const),
    )
  return {
    folds: folds.map(({ fold, examples, epochs, loss, metrics }) => ({
      fold,
      examples,
      epochs,
      loss,
      metrics,
    })),
    mean: { loss: meanOf(losses) ?? 0, metrics: each(meanOf) },
    deviation: { loss: sampleDeviation(losses) ?? 0, metrics: each(sampleDeviation) },
  }
}

function meanOf(numbers: readonly number[]): number | null {
  if (numbers.length === 0) return null
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}

function sampleDeviation(numbers: readonly number[]): number | null {
  const center = meanOf(numbers)
  if (center === null || numbers.length < 2) return null
  return Math.sqrt(numbers.reduce((sum, number) => sum + (number - center) ** 2, 0) / (numbers.length - 1))
}
