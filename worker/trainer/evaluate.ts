import { setImmediate as nextTurn } from 'node:timers/promises'
import { AppError } from '../../src/errors.ts'
import type { TrainingSpec } from '../../src/jobs/training-spec.ts'
import { metricOf } from '../../src/mlp/metrics/registry.ts'
import type { Session } from '../engines/engine.ts'
import type { TrainingData } from './load-data.ts'
import type { Selection } from './selection.ts'

/** Examples that are evaluated in one call; bounds how long the trainer is deaf. */
const CHUNK = 1_000

/** How the present weights do on some examples. */
export interface Score {
  /** Mean over the examples. */
  loss: number
  /** By name; null where a metric is not defined. */
  metrics: Record<string, number | null>
  /** What the network gave, in the units of the targets, `[examples, outputUnits]`. */
  predictions: Float32Array
}

/**
 * Runs the network forward over a selection.
 * @param metrics - names of the metrics to measure
 */
export async function evaluateSelection(
  session: Session,
  data: Pick<TrainingData, 'sourceOf' | 'inUnits'>,
  selection: Selection,
  outputUnits: number,
  metrics: readonly string[],
): Promise<Score> {
  const { count, targets, blocks } = selection
  const source = data.sourceOf(selection)
  const all = new Float32Array(count * outputUnits)
  const width = targets.length / count
  const measured = metrics.map(name => ({ name, metric: metricOf(name).accumulate(outputUnits) }))
  let loss = 0
  for (const [index, block] of blocks.entries()) {
    await source.use(block, 0)
    const next = blocks[index + 1]
    if (next) source.readAhead(next, 0)
    for (let from = 0; from < block.indices.length; from += CHUNK) {
      const indices = block.indices.subarray(from, from + CHUNK)
      const { losses, predictions } = session.evaluate(selection.split, indices)
      const position = block.from + from
      const actual = targets.subarray(position * width, (position + indices.length) * width)
      const measurable = data.inUnits(predictions)
      for (const each of losses) loss += each
      all.set(measurable, position * outputUnits)
      for (const { metric } of measured) metric.add(measurable, actual)
      await nextTurn()
    }
  }
  return {
    loss: loss / count,
    metrics: Object.fromEntries(measured.map(({ name, metric }) => [name, metric.value()])),
    predictions: all,
  }
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
