import { featureCount } from '../datasets/content.ts'
import type { Database } from '../db/client.ts'
import { AppError } from '../errors.ts'
import type { DecodeImage } from '../images/decode-image.ts'
import type { StoredVersion, VersionReference } from '../models/repository.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { calibrateProbabilities } from './confidence.ts'
import { decodeAsTrained } from './decode-as-trained.ts'
import type { DescribeOptions } from './describe-prediction.ts'
import { describeRows, writeRowsAsCsv } from './describe-rows.ts'
import { explainRows } from './explanation/explain.ts'
import { drawOverlay } from './explanation/overlay.ts'
import { predictRows } from './predict-rows.ts'
import { rankIndices } from './rank-classes.ts'
import { type Failures, type PredictionInputs, type Rows, toRows } from './rows.ts'
import type { Prediction, PredictionResponse } from './schemas.ts'
import { toCells } from './table/to-cells.ts'
import { routeTraffic, type TrafficDeps } from './traffic/route-traffic.ts'
import type { Work } from './turns.ts'

/** What predicting works with. */
export interface PredictDeps extends TrafficDeps {
  db: Database
  blobs: BlobStore
  decodeImage: DecodeImage
}

/** How to answer. */
export interface PredictOptions extends DescribeOptions {
  includeInput: boolean
  /** By `performance.now()`; Infinity: no haste. */
  deadlineMs: number
  /** Divide the logits by the version's temperature. */
  calibrated: boolean
  /** Say what each feature did for the class. */
  explain: boolean
  /** Tell of each input that cannot be used; else the first one refuses the request. */
  rowErrors: 'refuse' | 'inline'
  /** Keeps a client with one version of a split; null: by chance. */
  session: string | null
}

/** The answer, piece by piece. */
export interface PredictionPieces {
  model: PredictionResponse['model']
  pieces: Iterable<Prediction[]>
  /** The same as CSV; one of the two is to be read. */
  csv: Iterable<string>
  /** Gives others their turn, between two pieces. */
  work: Work
}

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
  const predicted = await routeTraffic(deps, name, reference, options.session, async version => {
    const { table } = deps.predictors.find(version.sha256) ?? (await deps.predictors.get(version))
    const failures: Failures | null = options.rowErrors === 'inline' ? new Map() : null
    const reading = table
      ? toCells(table, inputs, work, failures)
      : toRows(decodeAsTrained(deps.decodeImage, version), inputs, version.inputShape, work, failures)
    const rows = reading instanceof Promise ? await reading : reading
    const probabilities = await predictRows(deps, version, rows, table ? '/rows' : '/instances', work)
    const outputs = options.calibrated ? calibrateProbabilities(version, probabilities) : probabilities
    const saliency = options.explain ? await explain(deps.blobs, version, rows, outputs) : null
    return { version, table, rows, probabilities, outputs, saliency }
  })
  const { version } = predicted
  return {
    model: { name: version.name, version: version.version },
    pieces: describeRows(predicted, options),
    csv: writeRowsAsCsv(predicted, options),
    work,
  }
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
    const values = Float32Array.from(rows.features.subarray(row * units, (row + 1) * units))
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
