import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Calibration, countReliability } from '../../src/metrics/calibration.ts'
import { type Network, outputActivation } from '../../src/mlp/network.ts'
import { areClasses } from '../../src/mlp/task.ts'
import { applyTemperature, fitTemperature } from '../../src/mlp/temperature.ts'
import type { Session } from '../engines/engine.ts'
import type { TrainingData } from './load-data.ts'
import { HELD_OUT, type Selection } from './selection.ts'

/** Numbers that are held for the fit at most, 64 MB as float64: of more examples every so-many-th is taken. */
const LOGITS_MAX = 8 * 1024 ** 2

const CHUNK = 1_000

/**
 * Fits a temperature on the validation examples and measures on those of the evaluation what it does. The model stays
 * as it is.
 * @returns null without validation examples, or where the outputs are no probabilities of one class among all
 */
export async function calibrate(
  session: Session,
  network: Network,
  outputUnits: number,
  { validation, evaluation, train, sourceOf }: TrainingData,
): Promise<Calibration | null> {
  if (!validation || !evaluation || !givesDistribution(network, outputUnits)) return null
  const fitting = thin(validation, Math.max(1, Math.floor(LOGITS_MAX / Math.max(2, outputUnits))))
  const classes = Math.max(2, outputUnits)
  const probabilities = new Float32Array(fitting.count * classes)
  const labels = new Int32Array(fitting.count)
  let filled = 0
  await eachChunk(session, validation, sourceOf(validation), outputUnits, (own, actual, position) => {
    actual.forEach((label, row) => {
      if (!fitting.has(position + row)) return
      probabilities.set(own.subarray(row * classes, (row + 1) * classes), filled * classes)
      labels[filled++] = label
    })
  })
  const temperature = fitTemperature(probabilities, labels)
  const [before, after] = [countReliability(), countReliability()]
  const measure = (own: Float32Array, actual: Int32Array) => {
    before.add(own, actual)
    after.add(applyTemperature(own, classes, temperature), actual)
  }
  // Often the two are the same; then all that is needed is at hand.
  if (isSame(validation, evaluation) && labels.length === evaluation.count) {
    for (let from = 0; from < labels.length; from += CHUNK) {
      const actual = labels.subarray(from, from + CHUNK)
      measure(probabilities.subarray(from * classes, (from + actual.length) * classes), actual)
      await nextTurn()
    }
  } else await eachChunk(session, evaluation, sourceOf(evaluation), outputUnits, measure)
  const describe = ({ split, count }: Selection, examples = count) => ({
    split: split === train.split || split === HELD_OUT ? 'validation' : split,
    examples,
  })
  return {
    temperature,
    fittedOn: describe(validation, fitting.count),
    measuredOn: describe(evaluation),
    before: before.value(),
    after: after.value(),
  }
}

/** Of one split both are either all its examples, or the part that was held out. */
function isSame(a: Selection, b: Selection): boolean {
  return a.split === b.split && a.count === b.count
}

/** Softmax over all classes, or one sigmoid unit for two. */
function givesDistribution(network: Network, outputUnits: number): boolean {
  const activation = outputActivation(network)
  return outputUnits === 1 ? activation === 'sigmoid' : activation === 'softmax'
}

/** Examples in even distances, at most so many. */
function thin({ count }: Selection, most: number): { count: number; has(position: number): boolean } {
  const stride = Math.ceil(count / most)
  return { count: Math.ceil(count / stride), has: position => position % stride === 0 }
}

/** Runs the network forward over a selection, and hands on the probabilities of all classes, piece by piece. */
async function eachChunk(
  session: Session,
  { split, targets, blocks }: Selection,
  source: ReturnType<TrainingData['sourceOf']>,
  outputUnits: number,
  take: (probabilities: Float32Array, labels: Int32Array, position: number) => void,
): Promise<void> {
  for (const block of blocks) {
    await source.use(block, 0)
    for (let from = 0; from < block.indices.length; from += CHUNK) {
      const indices = block.indices.subarray(from, from + CHUNK)
      const { predictions } = session.evaluate(split, indices)
      const position = block.from + from
      const actual = targets.subarray(position, position + indices.length)
      if (!areClasses(actual)) throw new Error('only classes are calibrated')
      take(outputUnits === 1 ? withComplement(predictions) : predictions, actual, position)
      await nextTurn()
    }
  }
}

/** One sigmoid unit gives the probability of the second class. */
function withComplement(second: Float32Array): Float32Array {
  const both = new Float32Array(second.length * 2)
  second.forEach((probability, example) => {
    both[example * 2] = 1 - probability
    both[example * 2 + 1] = probability
  })
  return both
}
