import type { Outcomes } from '../outcomes.ts'

/** A version and what it took its test examples for; null where nothing was kept. */
export interface EvaluatedVersion {
  version: number
  outcomes: Outcomes | null
}

/** Two versions that were evaluated on the very same examples. */
export interface ComparablePair {
  a: Outcomes
  b: Outcomes
}

/**
 * Two versions as a pair that can be compared example by example.
 * @returns why not, in a sentence, where one was not evaluated or their examples differ
 */
export function pairUp(a: EvaluatedVersion, b: EvaluatedVersion): ComparablePair | { reason: string } {
  for (const { version, outcomes } of [a, b]) {
    if (outcomes === null) {
      return {
        reason:
          `version ${version} has no predictions of its test examples: it was trained without test or validation ` +
          'examples, imported, or made by an earlier release',
      }
    }
  }
  if (!a.outcomes || !b.outcomes) throw new Error('both must have outcomes here')
  if (a.outcomes.examplesSha256 !== b.outcomes.examplesSha256) {
    return {
      reason:
        'both must have been evaluated on the same examples; ' +
        `version ${a.version} was on ${describe(a.outcomes)}, version ${b.version} on ${describe(b.outcomes)}`,
    }
  }
  return { a: a.outcomes, b: b.outcomes }
}

function describe({ actual, split, rows, dataset, classes, examplesSha256 }: Outcomes): string {
  const part = rows ? 'a part of ' : ''
  return (
    `${actual.length} examples of ${classes.length} classes, ${part}the split ${split} of the dataset ${dataset.id} ` +
    `(${examplesSha256.slice(0, 12)}…)`
  )
}
