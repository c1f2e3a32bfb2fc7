import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CheckpointRecord, EpochRecord, Progress } from '../../src/jobs/attempt-repository.ts'
import type { TrainingSpec } from '../../src/jobs/training-spec.ts'
import { judgeEpoch } from '../../src/mlp/early-stopping.ts'
import type { Accumulator } from '../../src/mlp/metrics/metric.ts'
import { metricOf, validationName } from '../../src/mlp/metrics/registry.ts'
import type { Program } from '../../src/mlp/program.ts'
import { learningRateAt } from '../../src/mlp/schedules/learning-rate-at.ts'
import { afterEpoch } from '../../src/mlp/schedules/reduce-on-plateau.ts'
import type { Session } from '../engines/engine.ts'
import { type Place, startEpoch } from './checkpoint.ts'
import { assertFinite, evaluateSelection } from './evaluate.ts'
import type { TrainingData } from './load-data.ts'
import { type EpochPart, planEpoch, takeTargets } from './selection.ts'

/** The part of the data that epochs are of. */
export type EpochData = Pick<TrainingData, 'train' | 'validation' | 'sourceOf' | 'inUnits'>

/** What the epoch loop of one fit works with. */
export interface EpochLoop {
  program: Program
  session: Session
  data: EpochData
  training: TrainingSpec
  /** The last epoch to train; the learning rate goes by those of `training`. */
  epochs: number
  /** For messages: the fold that is validated on; null: none. */
  fold: number | null
  /** Where to go on from; kept up to date. */
  place: Place
  checkpointSeconds: number
  /** Whether to stop, asked between two chunks of steps. */
  isStopping(): boolean
  saveCheckpoint(): Promise<CheckpointRecord>
  onProgress(progress: Progress): void
  /** Early stopping found the best epoch so far, whose weights will be wanted. */
  onBest(): void
  onEpoch(epoch: EpochRecord, checkpoint: CheckpointRecord | null): void
  onCheckpoint(checkpoint: CheckpointRecord): void
}

/** A chunk of steps takes about this long: short enough to listen in between, long enough to lose no time. */
const CHUNK_MS = 100
const CHUNK_STEPS_MAX = 1_024

/** Longer chunks are multiples of this, which engines that do several steps in one call divide evenly. */
const CHUNK_STEPS_UNIT = 16

/** At the end of an epoch a checkpoint is made when the last is at least this old. */
const CHECKPOINT_REST_MS = 1_000

/**
 * Trains from the given place to the last epoch, or until early stopping or the caller ends it.
 * @returns whether the training is done
 * @throws {AppError} TRAINING_DIVERGED when the loss is no longer a finite number
 */
export async function trainEpochs(loop: EpochLoop): Promise<boolean> {
  const { place, training, data, epochs } = loop
  let checkpointAtMs = performance.now()
  const checkpointed = async () => {
    const record = await loop.saveCheckpoint()
    checkpointAtMs = performance.now()
    return record
  }
  const isDue = (afterMs: number) => performance.now() - checkpointAtMs >= afterMs

  while (place.epoch < epochs && !isOver(loop)) {
    const epoch = place.epoch + 1
    const parts = planEpoch(training.seed, epoch, data.train)
    const metrics = followMetrics(loop)
    let chunkSteps = 1
    while (place.running.examples < data.train.count) {
      if (loop.isStopping()) return false
      const part = await bringPart(loop, parts)
      const msPerStep = trainChunk(loop, part, chunkSteps, metrics)
      chunkSteps = chunkOf(CHUNK_MS / msPerStep)
      loop.onProgress(progressOf(loop))
      if (isDue(loop.checkpointSeconds * 1_000)) loop.onCheckpoint(await checkpointed())
      await nextTurn()
    }
    const record = await finishEpoch(loop, epoch, metrics)
    const isLast = epoch === epochs || isOver(loop)
    loop.onEpoch(record, isLast || isDue(CHECKPOINT_REST_MS) ? await checkpointed() : null)
    await nextTurn()
  }
  return true
}

function chunkOf(steps: number): number {
  if (steps < CHUNK_STEPS_UNIT) return Math.max(1, Math.floor(steps))
  return Math.min(Math.floor(steps / CHUNK_STEPS_UNIT) * CHUNK_STEPS_UNIT, CHUNK_STEPS_MAX)
}

/** Early stopping has had patience long enough. */
function isOver({ training: { earlyStopping }, place }: EpochLoop): boolean {
  return earlyStopping !== undefined && place.stopping.isOver
}

type NamedMetric = [name: string, metric: Accumulator]

/** The metrics of the running epoch, with what was counted of it before a stop. */
function followMetrics({ training, program, place }: EpochLoop): NamedMetric[] {
  return training.metrics.map(name => {
    const metric = metricOf(name).accumulate(program.outputUnits)
    metric.sums.set(place.running.metrics[name] ?? [])
    place.running.metrics[name] = metric.sums
    return [name, metric]
  })
}

/** The part of the epoch that is trained next, and its examples in the session; those after it are read ahead. */
async function bringPart({ data, place }: EpochLoop, parts: readonly EpochPart[]) {
  let before = 0
  for (const [index, { block, order }] of parts.entries()) {
    const done = place.running.examples - before
    if (done < order.length) {
      const source = data.sourceOf(data.train)
      await source.use(block, place.epoch + 1)
      const next = parts[index + 1]
      if (next) source.readAhead(next.block, place.epoch + 1)
      return { block, order: order.subarray(done) }
    }
    before += order.length
  }
  throw new Error('an epoch is over when all its examples were trained')
}

/** @returns the milliseconds that a step took */
function trainChunk(
  loop: EpochLoop,
  { block, order }: EpochPart,
  steps: number,
  metrics: readonly NamedMetric[],
): number {
  const { place, training, data, session } = loop
  const { running } = place
  const startedMs = performance.now()
  const positions = order.subarray(0, steps * training.batchSize)
  const { losses, predictions } = session.train({
    split: data.train.split,
    indices: positions.map(position => block.indices[position - block.from] ?? 0),
    batchSize: training.batchSize,
    firstStep: place.step + 1,
    learningRateAt: step => currentLearningRate(loop, step),
  })
  for (const loss of losses) running.loss += loss // one by one: rounding must not depend on the chunks, which vary
  assertFinite(running.loss, `in ${nameEpoch(loop, place.epoch + 1)}`, training)
  const targets = takeTargets(data.train.targets, positions, data.train.count)
  const measured = data.inUnits(predictions)
  for (const [, metric] of metrics) metric.add(measured, targets)
  running.examples += positions.length
  const done = Math.ceil(positions.length / training.batchSize)
  const elapsedMs = performance.now() - startedMs
  place.step += done
  running.durationMs += elapsedMs
  return elapsedMs / done
}

function currentLearningRate({ training, place, data }: EpochLoop, step: number): number {
  const steps = training.epochs * Math.ceil(data.train.count / training.batchSize)
  const { learningRateSchedule, optimizer } = training
  return learningRateAt(learningRateSchedule, optimizer.learningRate, step, steps) * place.plateau.factor
}

/** Validates, judges the epoch, and moves the place to the start of the next. */
async function finishEpoch(
  loop: EpochLoop,
  epoch: number,
  measured: readonly NamedMetric[],
): Promise<EpochRecord> {
  const { place, training, data, session, program } = loop
  const { examples, loss, durationMs: trainMs } = place.running
  const startedMs = performance.now()
  const metrics: EpochRecord['metrics'] = { loss: loss / examples }
  for (const [name, metric] of measured) metrics[name] = metric.value()
  if (data.validation) {
    const score = await evaluateSelection(
      session,
      data,
      data.validation,
      program.outputUnits,
      training.metrics,
    )
    assertFinite(score.loss, `on the validation examples after ${nameEpoch(loop, epoch)}`, training)
    metrics.valLoss = score.loss
    for (const name of training.metrics) metrics[validationName(name)] = score.metrics[name] ?? null
  }
  const learningRate = currentLearningRate(loop, place.step)
  place.epoch = epoch
  place.running = startEpoch()
  judge(loop, metrics)
  return {
    epoch,
    step: place.step,
    metrics,
    learningRate,
    durationMs: trainMs + performance.now() - startedMs,
    examplesPerSecond: (examples / trainMs) * 1_000,
  }
}

/** A metric that is not defined, as a precision without predictions, is no improvement. */
function judge(loop: EpochLoop, metrics: EpochRecord['metrics']): void {
  const { place, training } = loop
  const { earlyStopping, reduceOnPlateau } = training
  if (earlyStopping) {
    const metric = metrics[earlyStopping.monitor] ?? Number.NaN
    const verdict = judgeEpoch(earlyStopping, place.stopping, place.epoch, metric)
    place.stopping = verdict.state
    if (verdict.isBest && earlyStopping.restoreBest) loop.onBest()
  }
  if (reduceOnPlateau) {
    const metric = metrics[reduceOnPlateau.monitor] ?? Number.NaN
    const scheduled = currentLearningRate(loop, place.step) / place.plateau.factor
    place.plateau = afterEpoch(reduceOnPlateau, place.plateau, metric, scheduled)
  }
}

function nameEpoch({ fold }: EpochLoop, epoch: number): string {
  return fold === null ? `epoch ${epoch}` : `epoch ${epoch} of fold ${fold}`
}

function progressOf({ place, epochs, data }: EpochLoop): Progress {
  const { running } = place
  const examplesPerSecond = (running.examples / running.durationMs) * 1_000
  const left = (epochs - place.epoch) * data.train.count - running.examples
  return { phase: 'training', step: place.step, examplesPerSecond, etaSeconds: left / examplesPerSecond }
}
