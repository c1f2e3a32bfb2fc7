import { setImmediate as nextTurn } from 'node:timers/promises'
import { AppError } from '../../src/errors.ts'
import type { TrainingSpec } from '../../src/jobs/training-spec.ts'
import { predictedClasses } from '../../src/metrics/predicted-classes.ts'
import type { Session } from '../engines/engine.ts'
import type { Selection } from './load-data.ts'

/** Examples that are evaluated in one call; bounds how long the trainer is deaf. */
const CHUNK = 1_000

/** How the present weights do on some examples. */
export interface Score {
  /** Mean over the examples. */
  loss: number
  accuracy: number
  /** The class that each example was taken for. */
  predicted: Int32Array
}

/** Runs the network forward over a selection. */
export async function evaluateSelection(
  session: Session,
  selection: Selection,
  outputUnits: number,
): Promise<Score> {
  const { indices, labels } = selection
  const predicted = new Int32Array(indices.length)
  let loss = 0
  for (let from = 0; from < indices.length; from += CHUNK) {
    const results = session.evaluate(selection.split, indices.subarray(from, from + CHUNK))
    loss += sum(results.losses)
    predicted.set(predictedClasses(results.predictions, outputUnits), from)
    await nextTurn()
  }
  return { loss: loss / indices.length, accuracy: countEqual(predicted, labels) / indices.length, predicted }
}

/** The sum in float64. */
function sum(numbers: Float32Array): number {
  let total = 0
  for (const number of numbers) total += number
  return total
}

/** How many places hold the same number in both. */
export function countEqual(a: Int32Array, b: Int32Array): number {
  let equal = 0
  for (let index = 0; index < a.length; index++) if (a[index] === b[index]) equal++
  return equal
}

/**
 * Stops a training that is lost: weights that are no numbers do not become numbers again.
 * @throws {AppError} TRAINING_DIVERGED when the loss is no finite number
 */
export function assertFinite(loss: number, where: string, { optimizer }: TrainingSpec): void {
  if (Number.isFinite(loss)) return
  const advice = `Try a smaller learning rate than ${optimizer.learningRate}`
  throw new AppError(
    'TRAINING_DIVERGED',
    `the loss must stay a finite number; it was lost ${where}. ${advice}`,
  )
}
