import pino from 'pino'
import { insertDataset } from '../../src/datasets/repository.ts'
import { createDatabase, type Database } from '../../src/db/client.ts'
import { newId } from '../../src/ids.ts'
import { claimJob } from '../../src/jobs/attempt-repository.ts'
import type { JobSpec } from '../../src/jobs/resolve-spec.ts'
import { insertJob } from '../../src/jobs/state-repository.ts'
import { resolveLoss } from '../../src/mlp/losses/registry.ts'
import { resolveOptimizer } from '../../src/mlp/optimizers/registry.ts'
import { resolveSchedule } from '../../src/mlp/schedules/schedule.ts'
import { finishAttempt, type StopReason } from '../../worker/finish-attempt.ts'
import type { TrainerEnd } from '../../worker/trainer-process.ts'
import { EPOCHS, STEPS_PER_EPOCH } from './job-model.ts'
import type { Release } from './service.ts'

/** Hash of a file that no test reads. */
export const ANY_SHA256 = 'a'.repeat(64)

const SPEC: JobSpec = {
  network: { layers: [] },
  training: {
    epochs: EPOCHS,
    batchSize: 1,
    loss: resolveLoss('categoricalCrossentropy'),
    optimizer: resolveOptimizer({ type: 'adam' }),
    metrics: [],
    validation: null,
    learningRateSchedule: resolveSchedule(undefined, 0),
    seed: 1,
    maxRuntimeSeconds: null,
  },
  preprocessing: { scale: 1 },
  parameterCount: 1,
  trainableParameterCount: 1,
  baseModel: null,
  trainExamples: STEPS_PER_EPOCH,
  epochs: EPOCHS,
  steps: EPOCHS * STEPS_PER_EPOCH,
  estimate: { trainerMemoryBytes: 1, secondsPerEpoch: 1, seconds: 1 },
}

/** A pool of connections of the test's own. */
export function openTestDatabase(url: string, release: Release, poolSize = 4): Database {
  const db = createDatabase({ url, poolSize, onError: () => {} })
  release(() => db.$disconnect())
  return db
}

/** Adds a dataset whose blobs do not exist. @returns its id */
export async function addDataset(db: Database): Promise<string> {
  const split = { examples: 10, classCounts: {}, features: ANY_SHA256, labels: ANY_SHA256 }
  const { id } = await insertDataset(db, {
    name: 'none',
    format: 'idx',
    kind: 'image',
    sha256: ANY_SHA256,
    bytes: 1,
    shape: [1],
    dtype: 'uint8',
    columns: null,
    warnings: [],
    task: 'classification',
    targets: [],
    classes: ['0', '1'],
    splits: { train: split },
    statistics: { splits: {} },
  })
  return id
}

/** Queues a job that nobody trains. @returns its id */
export async function addJob(db: Database, datasetId: string, modelName = 'none'): Promise<string> {
  const id = newId('job')
  const names = { id, name: 'none', modelName, datasetId, datasetSha256: ANY_SHA256 }
  await db.$transaction(tx => insertJob(tx, { ...names, spec: SPEC, metadata: {}, priority: 0 }))
  return id
}

/** Claims a job for a worker that does not exist. @returns whether it was to be had */
export async function claim(db: Database, jobId: string): Promise<boolean> {
  const claimed = await claimJob(db, {
    jobId,
    workerId: 'worker_1',
    leaseSeconds: 30,
    engine: 'portable',
    device: 'cpu',
  })
  return claimed !== null
}

/** How a trainer of such a job can end. */
export function trainerEnds(jobId: string, datasetId: string) {
  const files = { 'model.json': ANY_SHA256, 'weights.bin': ANY_SHA256, 'manifest.json': ANY_SHA256 }
  return {
    finished: {
      type: 'finished',
      artifact: { sha256: ANY_SHA256, bytes: 1, files },
      description: {
        kind: 'classification',
        jobId,
        dataset: { id: datasetId, sha256: ANY_SHA256 },
        input: { shape: [1], dtype: 'uint8' },
        preprocessing: { scale: 1 },
        classes: ['0', '1'],
        network: SPEC.network,
        loss: SPEC.training.loss,
        training: { ...SPEC.training },
        parameterCount: 1,
        metrics: {},
        engine: { name: 'portable', device: 'cpu', versions: {} },
      },
      evaluation: null,
      outcomes: null,
    },
    failed: { type: 'failed', code: 'TRAINING_DIVERGED', message: 'the loss must stay a finite number' },
    crashed: { type: 'crashed', exitCode: null, signal: 'SIGSEGV', sawOomKill: false },
    handedOver: { type: 'stopped' },
  } as const satisfies Record<string, TrainerEnd>
}

/** Writes the end of an attempt as a worker does. */
export async function finish(
  db: Database,
  fence: { jobId: string; attempt: number },
  trainer: TrainerEnd,
  modelName = 'none',
): Promise<void> {
  const stopReasons = new Set<StopReason>(trainer.type === 'stopped' ? ['shutdown'] : [])
  const job = { modelName, training: { maxRuntimeSeconds: null } }
  const deps = { db, logger: pino({ level: 'silent' }) }
  await finishAttempt(deps, fence, job, { trainer, stopReasons, logTail: [] })
}
