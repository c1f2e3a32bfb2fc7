import type { SplitName } from '../schemas.ts'
import { quote } from '../tables/place.ts'

/** A class with less than this share of what it would have if all had the same is worth a word. */
const RARE_SHARE = 0.1
const WARNINGS_MAX = 10

/** How many examples a split has, in all and of each class. */
type Balance = { examples: number; classCounts: Readonly<Record<string, number>> }

/** What the owner should know about classes: which are rare in training, and which do not occur elsewhere. */
export function warnOfClasses(splits: Partial<Record<SplitName, Balance>>): string[] {
  const { train, ...others } = splits
  const absent = Object.entries(others).flatMap(([split, { classCounts }]) => {
    const missing = Object.keys(classCounts).filter(name => classCounts[name] === 0)
    return shorten(
      missing.map(name => `Class ${quote(name)} has no example in ${split}.`),
      `are not in ${split}`,
    )
  })
  return [...(train ? warnOfRare(train) : []), ...absent]
}

function warnOfRare({ examples, classCounts }: Balance): string[] {
  const classes = Object.entries(classCounts)
  const mean = classes.reduce((sum, [, count]) => sum + count, 0) / classes.length
  const rare = classes.filter(([, count]) => count < RARE_SHARE * mean)
  const all = examples.toLocaleString('en')
  const warnings = rare.map(([name, count]) => {
    return `Class ${quote(name)} has ${count.toLocaleString('en')} of ${all} training examples.`
  })
  return shorten(warnings, 'have few')
}

function shorten(warnings: readonly string[], what: string): string[] {
  const more = warnings.length - WARNINGS_MAX
  return more > 0 ? [...warnings.slice(0, WARNINGS_MAX), `${more} more classes ${what}, too.`] : [...warnings]
}
