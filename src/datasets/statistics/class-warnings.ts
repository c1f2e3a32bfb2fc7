import { quote } from '../tables/place.ts'

/** A class with less than this share of what it would have if all had the same is worth a word. */
const RARE_SHARE = 0.1
const WARNINGS_MAX = 10

/**
 * What the owner should know about classes.
 * @param counts - training examples of each class
 */
export function warnOfClasses(counts: Readonly<Record<string, number>>): string[] {
  const classes = Object.entries(counts)
  const examples = classes.reduce((sum, [, count]) => sum + count, 0)
  const rare = classes.filter(([, count]) => count < (RARE_SHARE * examples) / classes.length)
  const warnings = rare.slice(0, WARNINGS_MAX).map(([name, count]) => {
    return `Class ${quote(name)} has ${count.toLocaleString('en')} of ${examples.toLocaleString('en')} training examples.`
  })
  if (rare.length > WARNINGS_MAX) warnings.push(`${rare.length - WARNINGS_MAX} more classes have few, too.`)
  return warnings
}
