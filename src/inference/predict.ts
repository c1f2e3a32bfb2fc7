import { featureCount } from '../datasets/content.ts'
import type { Database } from '../db/client.ts'
import { AppError } from '../errors.ts'
import type { StoredVersion, VersionReference } from '../models/repository.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { calibrateProbabilities } from './confidence.ts'
import type { DecodeImage } from './decode-image.ts'
import { explainRows } from './explanation/explain.ts'
import { drawOverlay } from './explanation/overlay.ts'
import { predictRows } from './predict-rows.ts'
import { rankClasses, rankIndices } from './rank-classes.ts'
import { type PredictionInputs, type Rows, toRows } from './rows.ts'
import type { Prediction, PredictionResponse } from './schemas.ts'
import { routeTraffic, type TrafficDeps } from './traffic/route-traffic.ts'
import type { Work } from './turns.ts'

/** What predicting works with. */
export interface PredictDeps extends TrafficDeps {
  db: Database
  blobs: BlobStore
  decodeImage: DecodeImage
}

/** How to answer. */
export interface PredictOptions {
  topK: number
  /** Without them, labels only. */
  probabilities: boolean
  includeInput: boolean
  /** By `performance.now()`; Infinity: no haste. */
  deadlineMs: number
  /** Divide the logits by the version's temperature. */
  calibrated: boolean
  /** Say no class where the best is less probable; null: always say one. */
  abstainBelow: number | null
  /** Say what each feature did for the class. */
  explain: boolean
  /** Keeps a client with one version of a split; null: by chance. */
  session: string | null
}

/** The answer, piece by piece, with turns for other requests between two pieces. */
export interface PredictionPieces {
  model: PredictionResponse['model']
  pieces: AsyncGenerator<Prediction[]>
}

/** Predictions of a piece. */
const PIECE = 128

/** Inputs of one request that are explained at most: each is as long as the input, and drawn. */
const EXPLAINED_MAX = 16

/**
 * Answers inputs with the classes they most probably are, or with the numbers of a regression.
 * @throws {AppError} of `VersionCache.resolve`, MODEL_DAMAGED, DEADLINE_EXCEEDED, OVERLOADED, CALIBRATION_NOT_AVAILABLE,
 *   VALIDATION_FAILED for too many inputs to explain, and IMAGE_INVALID and INPUT_INVALID with the index of the input
 */
export async function predict(
  deps: PredictDeps,
  name: string,
  reference: VersionReference,
  inputs: PredictionInputs,
  options: PredictOptions,
): Promise<PredictionPieces> {
  const work = deps.turns.begin(options.deadlineMs)
  const { version, rows, told, saliency } = await routeTraffic(
    deps,
    name,
    reference,
    options.session,
    async version => {
      const rows = await toRows(deps.decodeImage, inputs, version.inputShape, work)
      const probabilities = await predictRows(deps, version, rows, '/instances', work)
      const told = options.calibrated ? calibrateProbabilities(version, probabilities) : probabilities
      const saliency = options.explain ? await explain(deps.blobs, version, rows, told) : null
      return { version, rows, probabilities, told, saliency }
    },
  )
  return {
    model: { name: version.name, version: version.version },
    pieces: describe(version, rows, told, saliency, options, work),
  }
}

async function* describe(
  version: StoredVersion,
  { count, features }: Rows,
  outputs: Float32Array,
  saliency: readonly Saliency[] | null,
  options: PredictOptions,
  work: Work,
): AsyncGenerator<Prediction[]> {
  const { inputShape: shape } = version
  const units = featureCount(shape)
  const width = outputs.length / count
  for (let from = 0; from < count; from += PIECE) {
    if (work.isOver()) await work.next()
    yield Array.from({ length: Math.min(PIECE, count - from) }, (_, offset) => {
      const index = from + offset
      const own = outputs.subarray(index * width, (index + 1) * width)
      const prediction = describeOne(own, version, options)
      if (options.includeInput) {
        const values = Array.from(features.subarray(index * units, (index + 1) * units))
        prediction.input = { shape, values }
      }
      const explained = saliency?.[index]
      if (explained) prediction.saliency = explained
      return prediction
    })
  }
}

function describeOne(
  outputs: Float32Array,
  { classes, kind }: StoredVersion,
  { probabilities, topK, abstainBelow }: PredictOptions,
): Prediction {
  if (kind === 'regression') return { values: Array.from(outputs) }
  const top = probabilities || abstainBelow !== null ? rankClasses(outputs, classes, topK) : null
  if (kind === 'multiLabel') {
    return { labels: classes.filter((_, index) => (outputs[index] ?? 0) >= 0.5), ...(top && { top }) }
  }
  if (!top) {
    const [best = 0] = rankIndices(outputs, 1)
    return { label: classes[best] ?? '' }
  }
  const [best = { label: '', probability: 0 }] = top
  const told = probabilities && { probability: best.probability, top }
  if (abstainBelow === null) return { label: best.label, ...told }
  const abstained = best.probability < abstainBelow
  return { label: abstained ? null : best.label, abstained, ...told }
}

type Saliency = NonNullable<Prediction['saliency']>

async function explain(
  blobs: BlobStore,
  version: StoredVersion,
  rows: Rows,
  outputs: Float32Array,
): Promise<Saliency[]> {
  const { classes, inputShape: shape } = version
  const refuse = (detail: string) =>
    new AppError('VALIDATION_FAILED', detail, { errors: [{ parameter: 'explain', detail }] })
  if (rows.count > EXPLAINED_MAX) {
    throw refuse(`explain=true takes at most ${EXPLAINED_MAX} inputs; received ${rows.count}`)
  }
  if (version.kind !== 'classification' || !('scale' in version.preprocessing)) {
    throw refuse('explain=true needs a classification whose features go into the network as they are')
  }
  const best = Array.from({ length: rows.count }, (_, row) => {
    const [first = 0] = rankIndices(outputs.subarray(row * classes.length, (row + 1) * classes.length), 1)
    return first
  })
  const found = await explainRows(blobs, version, rows, best)
  const units = featureCount(shape)
  return found.map((saliency, row) => {
    const values = rows.features.subarray(row * units, (row + 1) * units)
    return {
      label: classes[best[row] ?? 0] ?? '',
      shape,
      values: Array.from(saliency),
      overlay: overlayOf(shape, values, saliency),
    }
  })
}

/** Null where the input is no image. */
function overlayOf(
  shape: readonly number[],
  values: ArrayLike<number>,
  saliency: Float32Array,
): string | null {
  const [height, width, channels] = shape
  if (height === undefined || width === undefined || channels === undefined || channels > 4) return null
  return drawOverlay([height, width, channels], values, saliency).toString('base64')
}
