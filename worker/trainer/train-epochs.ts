import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CheckpointRecord, EpochRecord, Progress } from '../../src/jobs/attempt-repository.ts'
import type { TrainingSpec } from '../../src/jobs/training-spec.ts'
import { predictedClasses } from '../../src/metrics/predicted-classes.ts'
import type { Program } from '../../src/mlp/program.ts'
import { createRandom, permutation } from '../../src/mlp/random.ts'
import type { Session } from '../engines/engine.ts'
import type { Place } from './checkpoint.ts'
import { assertFinite, countEqual, evaluateSelection } from './evaluate.ts'
import type { TrainingData } from './load-data.ts'

/** What the epoch loop works with. */
export interface EpochLoop {
  program: Program
  session: Session
  data: TrainingData
  training: TrainingSpec
  /** Where to go on from; kept up to date. */
  place: Place
  checkpointSeconds: number
  /** Whether to stop, asked between two chunks of steps. */
  isStopping(): boolean
  saveCheckpoint(): Promise<CheckpointRecord>
  onProgress(progress: Progress): void
  onEpoch(epoch: EpochRecord, checkpoint: CheckpointRecord | null): void
  onCheckpoint(checkpoint: CheckpointRecord): void
}

/** A chunk of steps takes about this long: short enough to listen in between, long enough to lose no time. */
const CHUNK_MS = 100
const CHUNK_STEPS_MAX = 1_000

/** At the end of an epoch a checkpoint is made when the last is at least this old. */
const CHECKPOINT_REST_MS = 1_000

/**
 * Trains from the given place to the last epoch, or until it is told to stop.
 * @returns whether all epochs are done
 * @throws {AppError} TRAINING_DIVERGED when the loss is no longer a finite number
 */
export async function trainEpochs(loop: EpochLoop): Promise<boolean> {
  const { place, training, data } = loop
  let checkpointAtMs = performance.now()
  const checkpointed = async () => {
    const record = await loop.saveCheckpoint()
    checkpointAtMs = performance.now()
    return record
  }
  const isDue = (afterMs: number) => performance.now() - checkpointAtMs >= afterMs

  while (place.epoch < training.epochs) {
    const epoch = place.epoch + 1
    const order = permutation(createRandom(training.seed, `shuffle/${epoch}`), data.train.indices.length)
    let chunkSteps = 1
    while (place.running.examples < order.length) {
      if (loop.isStopping()) return false
      const msPerStep = trainChunk(loop, order, chunkSteps)
      chunkSteps = Math.min(Math.max(1, Math.round(CHUNK_MS / msPerStep)), CHUNK_STEPS_MAX)
      loop.onProgress(progressOf(loop))
      if (isDue(loop.checkpointSeconds * 1_000)) loop.onCheckpoint(await checkpointed())
      await nextTurn()
    }
    const record = await finishEpoch(loop, epoch)
    const isLast = epoch === training.epochs
    loop.onEpoch(record, isLast || isDue(CHECKPOINT_REST_MS) ? await checkpointed() : null)
    await nextTurn()
  }
  return true
}

/** @returns the milliseconds that a step took */
function trainChunk(loop: EpochLoop, order: Int32Array, steps: number): number {
  const { place, training, data, session, program } = loop
  const { running } = place
  const startedMs = performance.now()
  const positions = order.subarray(running.examples, running.examples + steps * training.batchSize)
  const { losses, predictions } = session.train({
    split: data.train.split,
    indices: positions.map(position => data.train.indices[position] ?? 0),
    batchSize: training.batchSize,
    firstStep: place.step + 1,
  })
  for (const loss of losses) running.loss += loss // one by one: rounding must not depend on the chunks, which vary
  assertFinite(running.loss, `in epoch ${place.epoch + 1}`, training)
  const labels = positions.map(position => data.train.labels[position] ?? 0)
  running.examples += positions.length
  running.correct += countEqual(predictedClasses(predictions, program.outputUnits), labels)
  const done = Math.ceil(positions.length / training.batchSize)
  const elapsedMs = performance.now() - startedMs
  place.step += done
  running.durationMs += elapsedMs
  return elapsedMs / done
}

/** Validates, and moves the place to the start of the next epoch. */
async function finishEpoch(loop: EpochLoop, epoch: number): Promise<EpochRecord> {
  const { place, training, data, session, program } = loop
  const { examples, loss, correct, durationMs: trainMs } = place.running
  const startedMs = performance.now()
  const withAccuracy = training.metrics.includes('accuracy')
  const metrics: EpochRecord['metrics'] = {
    loss: loss / examples,
    ...(withAccuracy && { accuracy: correct / examples }),
  }
  if (data.validation) {
    const score = await evaluateSelection(session, data.validation, program.outputUnits)
    assertFinite(score.loss, `on the validation examples after epoch ${epoch}`, training)
    metrics.valLoss = score.loss
    if (withAccuracy) metrics.valAccuracy = score.accuracy
  }
  place.epoch = epoch
  place.running = { examples: 0, loss: 0, correct: 0, durationMs: 0 }
  return {
    epoch,
    step: place.step,
    metrics,
    learningRate: program.learningRate.at(place.step),
    durationMs: trainMs + performance.now() - startedMs,
    examplesPerSecond: (examples / trainMs) * 1_000,
  }
}

function progressOf({ place, training, data }: EpochLoop): Progress {
  const { running } = place
  const examplesPerSecond = (running.examples / running.durationMs) * 1_000
  const left = (training.epochs - place.epoch) * data.train.indices.length - running.examples
  return { phase: 'training', step: place.step, examplesPerSecond, etaSeconds: left / examplesPerSecond }
}
