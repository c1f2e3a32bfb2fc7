import { setImmediate as nextTurn } from 'node:timers/promises'
import { featureCount } from '../../datasets/content.ts'
import { AppError } from '../../errors.ts'
import type { StoredVersion, VersionReference } from '../../models/repository.ts'
import type { VersionCache } from '../../models/version-cache.ts'
import { predictRows } from '../predict-rows.ts'
import type { PredictorCache } from '../predictor-cache.ts'
import type { Rows } from '../rows.ts'
import type { Turns } from '../turns.ts'
import { chooseTarget, pointOf } from './choose-target.ts'
import type { TrafficRecorder } from './recorder.ts'
import type { TrafficKey } from './repository.ts'
import type { ShadowQueue } from './shadow-queue.ts'

/** What sending traffic works with. */
export interface TrafficDeps {
  versions: VersionCache
  predictors: PredictorCache
  turns: Turns
  traffic: TrafficRecorder
  shadows: ShadowQueue
}

/** What was asked, and what a version made of it. */
export interface Answered {
  rows: Rows
  /** `[count, classes]`, as the network gave them. */
  probabilities: Float32Array
}

/** Rows of a request that a shadow computes at most, so that it takes no longer than a small request. */
const SHADOWED_ROWS = 64

/** Rows that a shadow computes in one turn, in which no request is served. */
const TURN_ROWS = 16

/**
 * Lets the version answer that a reference means. Where that is an alias, its split is obeyed, the answer is counted,
 * and its shadow computes the same afterwards.
 * @param session - whoever sends the same gets the same version of a split; null: each request by chance
 * @param answer - computes the answer with a version
 * @throws {AppError} of `VersionCache.resolve`, and what `answer` throws
 */
export async function routeTraffic<Answer extends Answered>(
  deps: TrafficDeps,
  name: string,
  reference: VersionReference,
  session: string | null,
  answer: (version: StoredVersion) => Promise<Answer>,
): Promise<Answer> {
  const startedMs = performance.now()
  const found = deps.versions.resolve(name, reference)
  const main = found instanceof Promise ? await found : found
  const { traffic } = main
  if (!traffic) return answer(main)
  const point = session === null ? Math.random() : pointOf(name, traffic.alias, session)
  const chosen = chooseTarget(traffic.targets, point)
  const version = chosen === main.version ? main : await deps.versions.resolve(name, { version: chosen })
  const key = {
    modelName: name,
    alias: traffic.alias,
    moveId: traffic.move,
    version: chosen,
    role: 'answer' as const,
  }
  try {
    const answered = await answer(version)
    const latencyMs = performance.now() - startedMs
    deps.traffic.record(key, { requests: 1, predictions: answered.rows.count, latencyMs })
    if (traffic.shadow !== null && version.kind === 'classification')
      shadow(deps, { ...key, version: traffic.shadow, role: 'shadow' }, version, answered)
    return answered
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500)
      deps.traffic.record(key, { requests: 1, failures: 1 })
    throw error
  }
}

/** Offers the rows to the shadow, which may have no time. */
function shadow(
  deps: TrafficDeps,
  key: TrafficKey,
  answering: StoredVersion,
  { rows, probabilities }: Answered,
): void {
  const { classes, inputShape } = answering
  const count = Math.min(rows.count, SHADOWED_ROWS)
  const units = featureCount(inputShape)
  const features = rows.features.slice(0, count * units)
  const labels = labelsOf(probabilities.subarray(0, count * classes.length), classes)
  const isTaken = deps.shadows.offer(async () => {
    try {
      deps.traffic.record(key, await compareShadow(deps, key, answering, { count, features }, labels))
    } catch {
      deps.traffic.record(key, { requests: 1, failures: 1 }) // the shadow's own trouble, of which nobody else hears
    }
  })
  if (!isTaken) deps.traffic.record(key, { dropped: 1 })
}

async function compareShadow(
  deps: TrafficDeps,
  { modelName, version: number }: TrafficKey,
  answering: StoredVersion,
  { count, features }: Rows,
  labels: readonly (string | undefined)[],
) {
  const version = await deps.versions.resolve(modelName, { version: number })
  const units = features.length / count
  const columns = [await columnsOf(deps, version), await columnsOf(deps, answering)]
  if (units !== featureCount(version.inputShape) || columns[0] !== columns[1])
    throw new Error('the shadow must take the same input')
  let agreed = 0
  let latencyMs = 0
  for (let from = 0; from < count; from += TURN_ROWS) {
    if (from > 0) await nextTurn()
    const size = Math.min(TURN_ROWS, count - from)
    const startedMs = performance.now()
    const part = { count: size, features: features.subarray(from * units, (from + size) * units) }
    const own = labelsOf(await predictRows(deps, version, part), version.classes)
    latencyMs += performance.now() - startedMs
    agreed += own.filter((label, row) => label === labels[from + row]).length
  }
  return { requests: 1, predictions: count, compared: count, agreed, latencyMs }
}

/** What the numbers of a row mean, to be compared. */
async function columnsOf({ predictors }: TrafficDeps, version: StoredVersion): Promise<string | null> {
  const { table } = await predictors.get(version)
  if (!table) return null
  return JSON.stringify(
    table.columns.map(column => [column.name, column.type, 'categories' in column && column.categories]),
  )
}

/** The most probable class of each row. */
function labelsOf(probabilities: Float32Array, classes: readonly string[]): (string | undefined)[] {
  return Array.from({ length: probabilities.length / classes.length }, (_, row) => {
    const own = probabilities.subarray(row * classes.length, (row + 1) * classes.length)
    return classes[own.reduce((best, p, index) => (p > (own[best] ?? 0) ? index : best), 0)]
  })
}
