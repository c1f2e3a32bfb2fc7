import { Type } from 'typebox'
import { erf } from '../../mlp/erf.ts'

/** Of fewer discordant pairs the distribution is computed exactly; of more it is near enough to chi-squared. */
const EXACT_BELOW = 25

/** Whether two models that saw the same examples differ by more than chance. */
export const McNemarSchema = Type.Object(
  {
    onlyA: Type.Integer({ description: 'Examples that a alone has right.' }),
    onlyB: Type.Integer({ description: 'Examples that b alone has right.' }),
    both: Type.Integer(),
    neither: Type.Integer(),
    method: Type.Enum(['exact-binomial', 'chi-squared'] as const),
    statistic: Type.Union([Type.Number(), Type.Null()], {
      description: 'Chi-squared with continuity correction, one degree of freedom; null of the exact test.',
    }),
    pValue: Type.Number({ minimum: 0, maximum: 1, description: 'Two-sided.' }),
  },
  { title: 'McNemar’s test' },
)

/** Whether two models that saw the same examples differ by more than chance. */
export type McNemar = Type.Static<typeof McNemarSchema>

/** How two models did on each example of a set. */
interface Pair {
  actual: Int32Array
  a: Int32Array
  b: Int32Array
}

/** McNemar's test of the predictions of two models for the same examples. */
export function compareByMcNemar({ actual, a, b }: Pair): McNemar {
  const counts = { onlyA: 0, onlyB: 0, both: 0, neither: 0 }
  actual.forEach((label, example) => {
    const isA = a[example] === label
    const isB = b[example] === label
    if (isA && isB) counts.both++
    else if (isA) counts.onlyA++
    else if (isB) counts.onlyB++
    else counts.neither++
  })
  return { ...counts, ...testDiscordant(counts.onlyA, counts.onlyB) }
}

/**
 * The two-sided test that of b + c discordant pairs each is as likely to be of the one kind as of the other.
 * Exact: min(1, 2 Σ_{i ≤ min(b, c)} C(n, i) / 2ⁿ) with n = b + c. Else χ² = max(0, |b − c| − 1)² / (b + c), whose
 * p-value is erfc(√(χ² / 2)).
 * @see McNemar (1947), "Note on the sampling error of the difference between correlated proportions or percentages";
 *   Edwards (1948) for the continuity correction; Fagerland, Lydersen & Laake (2013), "The McNemar test for binary
 *   matched-pairs data", for the exact test
 */
export function testDiscordant(b: number, c: number): Pick<McNemar, 'method' | 'statistic' | 'pValue'> {
  const pairs = b + c
  if (pairs < EXACT_BELOW) {
    return { method: 'exact-binomial', statistic: null, pValue: twoSidedBinomial(Math.min(b, c), pairs) }
  }
  const statistic = Math.max(0, Math.abs(b - c) - 1) ** 2 / pairs
  const pValue = Math.min(1, Math.max(0, 1 - erf(Math.sqrt(statistic / 2))))
  return { method: 'chi-squared', statistic, pValue }
}

function twoSidedBinomial(fewer: number, pairs: number): number {
  let ways = 1 // C(pairs, i)
  let sum = 0
  for (let i = 0; i <= fewer; i++) {
    sum += ways
    ways = (ways * (pairs - i)) / (i + 1)
  }
  return Math.min(1, (2 * sum) / 2 ** pairs)
}
