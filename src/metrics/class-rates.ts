import { Type } from 'typebox'

const Rate = Type.Number({ minimum: 0, maximum: 1 })
const UndefinedRate = Type.Union([Rate, Type.Null()], {
  description: 'Null when there is nothing to divide by.',
})

/** How well one class is told. */
export const ClassRatesSchema = Type.Object({
  label: Type.String(),
  precision: UndefinedRate,
  recall: UndefinedRate,
  f1: UndefinedRate,
  support: Type.Integer({ description: 'Examples that are of this class.' }),
})

/** How well one class is told. */
export type ClassRates = Type.Static<typeof ClassRatesSchema>

/** Means over the classes. */
export const AveragesSchema = Type.Object({ precision: Rate, recall: Rate, f1: Rate })

/** Means over the classes. */
export type Averages = Type.Static<typeof AveragesSchema>

/** Rates of a class from its counts: those found, those predicted, those there are. */
export function rateClass(
  label: string,
  { found, predicted, support }: { found: number; predicted: number; support: number },
): ClassRates {
  return {
    label,
    precision: divide(found, predicted),
    recall: divide(found, support),
    f1: divide(2 * found, predicted + support), // 2TP / (2TP + FP + FN), the harmonic mean of the two
    support,
  }
}

/**
 * Means over the classes, all alike and weighted by their examples; an undefined rate counts as 0.
 * @see scikit-learn, `classification_report` with `zero_division=0`
 */
export function averageRates(classes: readonly ClassRates[]): { macro: Averages; weighted: Averages } {
  const labels = sum(classes.map(({ support }) => support))
  return {
    macro: average(classes, () => 1 / classes.length),
    weighted: average(classes, ({ support }) => (labels === 0 ? 0 : support / labels)),
  }
}

function average(classes: readonly ClassRates[], weightOf: (rates: ClassRates) => number): Averages {
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
