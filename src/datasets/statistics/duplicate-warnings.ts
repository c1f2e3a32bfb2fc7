import type { Task } from '../columns.ts'
import type { SplitName } from '../schemas.ts'
import type { Duplicates } from './schemas.ts'

/** Rows that occur again are worth a word from this share of their split on. */
const REPEATED_SHARE = 0.05
/** Labels that contradict each other bound the accuracy; this much can be seen in it. */
const CONTRADICTORY_SHARE = 0.01

/**
 * What the owner should know about examples that occur more than once. One that is in two splits always counts: a
 * score on examples that were learnt says nothing about new ones.
 */
export function warnOfDuplicates(
  { splits, shared, sampledShare }: Duplicates,
  sizes: Partial<Record<SplitName, { examples: number }>>,
  task: Task,
): string[] {
  const about = sampledShare < 1 ? 'About ' : ''
  const say = (count: number) => `${about}${count.toLocaleString('en')}`
  const ofAll = (split: SplitName) => (sizes[split]?.examples ?? 0).toLocaleString('en')
  const leaks = shared.flatMap(({ split, with: other, examples: count }) => {
    if (count === 0) return []
    const verb = count === 1 ? 'is' : 'are'
    return `${say(count)} of ${ofAll(split)} examples of ${split} ${verb} in ${other} too (a leak): a score on ${split} promises too much.`
  })
  const within = Object.entries(splits).flatMap(([name, { repeated, contradictory }]) => {
    const split = name as SplitName // the keys are those of the dataset's splits
    const size = Math.max(1, sizes[split]?.examples ?? 0)
    const warnings: string[] = []
    if (repeated / size >= REPEATED_SHARE) {
      warnings.push(`${say(repeated)} of ${ofAll(split)} examples of ${split} are copies of earlier ones.`)
    }
    if (task !== 'regression' && contradictory / size >= CONTRADICTORY_SHARE) {
      warnings.push(
        `${say(contradictory)} of ${ofAll(split)} examples of ${split} have the features of an earlier one and another label.`,
      )
    }
    return warnings
  })
  return [...leaks, ...within]
}
