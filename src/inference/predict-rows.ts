import { AppError, fieldError } from '../errors.ts'
import type { StoredVersion } from '../models/repository.ts'
import type { PredictorCache } from './predictor-cache.ts'
import type { Rows } from './rows.ts'
import type { Turns, Work } from './turns.ts'

/** Multiplications between two looks at the clock: about 100 µs of work. */
const OPERATIONS_AT_ONCE = 1_000_000

/** Of one answer: 10,000 rows of 1,000 classes. As text they take 200 MB, and V8's strings end at 512. */
const OUTPUTS_MAX = 10_000_000

/**
 * The one way from features to outputs; whatever a client speaks ends here. Large requests are cut up, with turns
 * for others in between.
 * @param version - as `VersionCache.resolve` found it; the rows have its `inputShape`
 * @param pointer - where the rows stand in the request, for the error
 * @param work - the request's, when it began before
 * @returns `[count, outputs]` float32, row by row: a probability for each class, or a number for each target
 * @throws {AppError} MODEL_DAMAGED, INPUT_INVALID for numbers that overflow in the network and for more rows than its
 *   outputs allow, and of `Work.next`
 */
export async function predictRows(
  { predictors, turns }: { predictors: PredictorCache; turns: Turns },
  version: StoredVersion,
  { count, features, failures }: Rows,
  pointer = '/instances',
  work: Work = turns.begin(),
): Promise<Float32Array> {
  const atOnce = Math.max(1, Math.floor(OPERATIONS_AT_ONCE / version.parameterCount))
  let predictor = predictors.find(version.sha256) ?? (await predictors.get(version))
  const probabilities = count <= atOnce ? predictor.predict(features, count) : await cutUp()
  const wrong = probabilities.findIndex(probability => !Number.isFinite(probability))
  if (wrong !== -1) refuse(probabilities, wrong)
  return probabilities

  function refuse(outputs: Float32Array, first: number): void {
    const width = outputs.length / count
    if (!failures) throw overflow(`${pointer}/${Math.floor(first / width)}`)
    for (let at = first; at < outputs.length; at++) {
      const row = Math.floor(at / width)
      if (!Number.isFinite(outputs[at]) && !failures.has(row))
        failures.set(row, overflow(`${pointer}/${row}`))
    }
  }

  async function cutUp(): Promise<Float32Array> {
    const units = features.length / count
    let all: Float32Array = new Float32Array()
    for (let from = 0; from < count; from += atOnce) {
      if (work.isOver()) {
        await work.next()
        predictor = predictors.find(version.sha256) ?? (await predictors.get(version)) // it may have made room for others
      }
      const rows = Math.min(atOnce, count - from)
      const some = predictor.predict(features.subarray(from * units, (from + rows) * units), rows)
      if (from === 0) all = roomFor(some.length / rows)
      all.set(some, (some.length / rows) * from)
    }
    return all
  }

  function roomFor(outputs: number): Float32Array {
    if (outputs * count <= OUTPUTS_MAX) return new Float32Array(outputs * count)
    const most = Math.floor(OUTPUTS_MAX / outputs)
    throw fieldError(
      'INPUT_INVALID',
      pointer,
      `there may be ${most} rows for ${outputs} outputs; received ${count}`,
    )
  }
}

function overflow(pointer: string): AppError {
  const detail = 'the input must be near the training data; its numbers overflow in the network'
  return new AppError('INPUT_INVALID', detail, { errors: [{ pointer, detail }] })
}
