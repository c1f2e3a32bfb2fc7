import type { Db } from '../../db/client.ts'
import { AppError } from '../../errors.ts'
import { toPage } from '../../pagination.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import { type Outcomes, readOutcomes } from '../outcomes.ts'
import { resolveVersion, type StoredVersion } from '../repository.ts'
import { compareByMcNemar } from './mcnemar.ts'
import { type ComparablePair, type EvaluatedVersion, pairUp } from './same-examples.ts'
import type { Comparison } from './schemas.ts'

/** Which versions, and which page of the examples that changed. */
export interface CompareQuery {
  a: number
  b: number
  limit: number
  /** Index in the split behind which the page begins. */
  after?: number | undefined
}

/**
 * Compares two versions on the examples that both were evaluated on.
 * @throws {AppError} MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND, MODEL_DAMAGED, VERSIONS_NOT_COMPARABLE
 */
export async function compareVersions(
  deps: { db: Db; blobs: BlobStore },
  name: string,
  query: CompareQuery,
): Promise<Comparison> {
  const [a, b] = [
    await resolveVersion(deps.db, name, { version: query.a }),
    await resolveVersion(deps.db, name, { version: query.b }),
  ]
  const pair = pairUp(await evaluated(deps.blobs, a), await evaluated(deps.blobs, b))
  if ('reason' in pair) throw new AppError('VERSIONS_NOT_COMPARABLE', pair.reason)
  const { classes: labels, actual, split, examplesSha256 } = pair.a
  const [countsA, countsB] = [confusionOf(pair.a), confusionOf(pair.b)]
  return {
    a: describe(a, pair.a),
    b: describe(b, pair.b),
    examples: { split, count: actual.length, sha256: examplesSha256 },
    metrics: Object.fromEntries(
      [...new Set([...Object.keys(a.metrics), ...Object.keys(b.metrics)])].map(metric => [
        metric,
        sideBySide(a.metrics[metric] ?? null, b.metrics[metric] ?? null),
      ]),
    ),
    classes: labels.map((label, index) => compareClass(label, index, countsA, countsB)),
    confusionDifference: {
      labels,
      counts: countsB.map((row, actual) => row.map((count, column) => count - at(countsA, actual, column))),
    },
    mcnemar: compareByMcNemar({ actual, a: pair.a.predicted, b: pair.b.predicted }),
    changed: listChanged(pair, query),
  }
}

/** A version with what it took its test examples for. @throws {AppError} MODEL_DAMAGED */
export async function evaluated(
  blobs: BlobStore,
  { version, outcomes }: Pick<StoredVersion, 'version' | 'outcomes'>,
): Promise<EvaluatedVersion> {
  return { version, outcomes: outcomes === null ? null : await readOutcomes(blobs, outcomes) }
}

function describe({ version, parameterCount }: StoredVersion, { dataset }: Outcomes) {
  return { version, dataset, parameterCount }
}

function sideBySide(a: number | null, b: number | null) {
  return { a, b, difference: a === null || b === null ? null : b - a }
}

/** `counts[actual][predicted]` */
function confusionOf({ classes, actual, predicted }: Outcomes): number[][] {
  const counts = classes.map(() => classes.map(() => 0))
  actual.forEach((label, example) => {
    const row = counts[label]
    const column = predicted[example] ?? -1
    if (row?.[column] !== undefined) row[column]++
  })
  return counts
}

/** Precision, recall and F1 = 2TP / (2TP + FP + FN) of both; null where there is nothing to divide by. */
function compareClass(label: string, index: number, a: readonly number[][], b: readonly number[][]) {
  const rates = (counts: readonly number[][]) => {
    const hits = at(counts, index, index)
    const support = sum(counts[index] ?? [])
    const predictions = sum(counts.map(row => row[index] ?? 0))
    return {
      precision: divide(hits, predictions),
      recall: divide(hits, support),
      f1: divide(2 * hits, predictions + support),
    }
  }
  const [ofA, ofB] = [rates(a), rates(b)]
  return {
    label,
    support: sum(a[index] ?? []),
    precision: sideBySide(ofA.precision, ofB.precision),
    recall: sideBySide(ofA.recall, ofB.recall),
    f1: sideBySide(ofA.f1, ofB.f1),
  }
}

function listChanged({ a, b }: ComparablePair, { limit, after = -1 }: CompareQuery) {
  const labelOf = (index: number | undefined) => a.classes[index ?? -1] ?? ''
  const changed: Comparison['changed']['data'] = []
  for (let example = 0; example < a.actual.length && changed.length <= limit; example++) {
    const index = a.rows?.[example] ?? example
    if (index <= after || a.predicted[example] === b.predicted[example]) continue
    changed.push({
      index,
      actual: labelOf(a.actual[example]),
      a: labelOf(a.predicted[example]),
      b: labelOf(b.predicted[example]),
    })
  }
  return toPage(
    changed,
    limit,
    example => example,
    ({ index }) => String(index),
  )
}

function at(counts: readonly number[][], row: number, column: number): number {
  return counts[row]?.[column] ?? 0
}

function divide(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
