import { Type } from 'typebox'
import { compareByMcNemar } from '../comparison/mcnemar.ts'
import { type EvaluatedVersion, pairUp } from '../comparison/same-examples.ts'
import { countCorrect, recallsOf } from '../outcomes.ts'

const Rate = Type.Number({ minimum: 0, maximum: 1 })

/** What a version must fulfil before an alias moves to it. */
export const GatesSchema = Type.Object(
  {
    minAccuracy: Type.Optional(Rate),
    minClassRecall: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1, description: 'Of every class that the test examples have.' }),
    ),
    notWorseThanCurrent: Type.Optional(
      Type.Object(
        { alpha: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }) },
        {
          additionalProperties: false,
          description:
            'Refuses a version that is right less often than the present one, and by McNemar’s test on the same ' +
            'examples significantly so: p < alpha, two-sided.',
        },
      ),
    ),
  },
  { additionalProperties: false, minProperties: 1, title: 'Gates' },
)

/** What a version must fulfil before an alias moves to it. */
export type Gates = Type.Static<typeof GatesSchema>

/** Classes that a message names at most. */
const CLASSES_NAMED = 5

/**
 * Looks whether a version may take over.
 * @param current - what the alias means now; null: nothing, so there is nothing to be worse than
 * @returns a sentence for each gate that it fails; none: it passes
 */
export function failedGates(
  { minAccuracy, minClassRecall, notWorseThanCurrent }: Gates,
  candidate: EvaluatedVersion,
  current: EvaluatedVersion | null,
): string[] {
  const failures = [
    minAccuracy !== undefined && failsAccuracy(minAccuracy, candidate),
    minClassRecall !== undefined && failsRecall(minClassRecall, candidate),
    notWorseThanCurrent && current && isWorse(notWorseThanCurrent.alpha, candidate, current),
  ]
  return failures.flatMap(failure => (failure ? [failure] : []))
}

function failsAccuracy(minimum: number, { version, outcomes }: EvaluatedVersion): string | null {
  if (!outcomes) return `minAccuracy: version ${version} was not evaluated`
  const accuracy = countCorrect(outcomes) / outcomes.actual.length
  if (accuracy >= minimum) return null
  return `minAccuracy: accuracy must be at least ${minimum}; version ${version} has ${round(accuracy)}`
}

function failsRecall(minimum: number, { version, outcomes }: EvaluatedVersion): string | null {
  if (!outcomes) return `minClassRecall: version ${version} was not evaluated`
  const low = recallsOf(outcomes).flatMap((recall, label) =>
    recall !== null && recall < minimum ? [`${outcomes.classes[label]} has ${round(recall)}`] : [],
  )
  if (low.length === 0) return null
  const named = low.slice(0, CLASSES_NAMED).join(', ')
  const more = low.length > CLASSES_NAMED ? ` and ${low.length - CLASSES_NAMED} more` : ''
  return `minClassRecall: recall of every class must be at least ${minimum}; of version ${version} ${named}${more}`
}

function isWorse(alpha: number, candidate: EvaluatedVersion, current: EvaluatedVersion): string | null {
  const pair = pairUp(current, candidate)
  if ('reason' in pair) return `notWorseThanCurrent: ${pair.reason}`
  const { actual } = pair.a
  const { onlyA, onlyB, pValue } = compareByMcNemar({ actual, a: pair.a.predicted, b: pair.b.predicted })
  if (onlyB >= onlyA || pValue >= alpha) return null
  return (
    `notWorseThanCurrent: version ${candidate.version} must not be significantly worse than version ${current.version}; ` +
    `it alone is right on ${onlyB} examples, the other on ${onlyA} (p = ${pValue.toPrecision(3)}, below ${alpha})`
  )
}

function round(rate: number): number {
  return Number(rate.toFixed(4))
}
