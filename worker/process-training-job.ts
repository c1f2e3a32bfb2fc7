import { getDataset } from '../src/datasets/repository.ts'
import type { Database } from '../src/db/client.ts'
import type { Listener } from '../src/db/listen.ts'
import { AppError, ERRORS } from '../src/errors.ts'
import {
  cancelJob,
  claimJob,
  countCrashes,
  type Fence,
  failJob,
  interruptJob,
  listCheckpoints,
  succeedJob,
} from '../src/jobs/attempt-repository.ts'
import type { JobRow } from '../src/jobs/repository.ts'
import type { TrainingSpec } from '../src/jobs/training-spec.ts'
import type { Logger } from '../src/logger.ts'
import type { Network } from '../src/mlp/network.ts'
import type { Preprocessing } from '../src/mlp/preprocessing.ts'
import { insertVersion } from '../src/models/repository.ts'
import type { EngineChoice } from './engines/choose-engine.ts'
import { keepLease } from './lease.ts'
import { persist } from './persist.ts'
import { createReportWriter } from './report-writer.ts'
import type { TrainerJob } from './trainer/messages.ts'
import { startTrainer, type TrainerEnd } from './trainer-process.ts'

/** What a worker works with. */
export interface WorkerDeps {
  db: Database
  listener: Listener
  logger: Logger
  workerId: string
  choice: EngineChoice
  dataDir: string
  leaseSeconds: number
  checkpointSeconds: number
  residentBytesMax: number
  /** Aborts when the worker shall hand its jobs over. */
  stopping: AbortSignal
}

/** A trainer that crashed this often in a row without a new checkpoint is not started again. */
const CRASHES_MAX = 3

/** Claims a job, supervises its trainer, finishes it. Does nothing when somebody else has the job. */
export async function processTrainingJob(deps: WorkerDeps, jobId: string): Promise<void> {
  if (deps.stopping.aborted) return
  const job = await claimJob(deps.db, { ...deps, ...deps.choice, jobId })
  if (!job) return
  const logger = deps.logger.child({ jobId, attempt: job.attempt })
  const fence = { jobId, attempt: job.attempt }
  logger.info('job claimed')
  try {
    const end = await superviseTrainer({ ...deps, logger }, fence, await describeJob(deps, job))
    if (end === 'fenced') logger.warn('the job is another worker’s now; this attempt is over')
    else await finish({ ...deps, logger }, fence, job, end)
  } catch (error) {
    logger.error({ err: error }, 'the attempt was lost')
    await giveUp(deps, fence, error)
  }
}

/** What the user must mend ends the job; for anything else the job waits for another attempt, and that counts. */
async function giveUp({ db, logger }: WorkerDeps, fence: Fence, error: unknown): Promise<void> {
  try {
    const isFinal = error instanceof AppError && !ERRORS[error.code].retryable
    if (isFinal) await failJob(db, fence, { code: error.code, message: error.message, param: null })
    else await interruptJob(db, fence, 'trainer-crashed', true)
  } catch (second) {
    logger.error({ err: second }, 'the end of the attempt was not written; its lease runs out')
  }
}

async function describeJob(
  { db, dataDir, checkpointSeconds, residentBytesMax }: WorkerDeps,
  job: JobRow,
): Promise<TrainerJob> {
  const dataset = await getDataset(db, job.datasetId)
  return {
    jobId: job.id,
    dataDir,
    checkpointSeconds,
    residentBytesMax,
    dataset: { ...dataset, sha256: job.datasetSha256 },
    network: job.network as unknown as Network, // JSON columns are written by submitJob only
    training: job.training as unknown as TrainingSpec,
    preprocessing: job.preprocessing as Preprocessing,
    parameterCount: job.parameterCount,
    checkpoints: await listCheckpoints(db, job.id),
  }
}

async function superviseTrainer(
  deps: WorkerDeps,
  fence: Fence,
  job: TrainerJob,
): Promise<TrainerEnd | 'fenced'> {
  let isFenced = false
  const onFenced = () => {
    isFenced = true
    trainer.kill()
  }
  const reports = createReportWriter(deps, fence, why => (why === 'fenced' ? onFenced() : trainer.kill()))
  const trainer = startTrainer(job, deps.choice, report => reports.write(report), deps.logger)
  const lease = keepLease(deps, fence, deps.leaseSeconds, {
    onFenced,
    onCancelRequested: () => trainer.stop({ checkpoint: false }),
  })
  const handOver = () => trainer.stop({ checkpoint: true })
  if (deps.stopping.aborted) handOver()
  deps.stopping.addEventListener('abort', handOver, { once: true })
  try {
    const end = await trainer.ended
    await reports.drain()
    return isFenced ? 'fenced' : end
  } finally {
    deps.stopping.removeEventListener('abort', handOver)
    trainer.kill()
    await lease.close()
  }
}

/** Writes how the attempt ended. An accepted cancel wins over everything but a job that is no longer ours. */
async function finish(deps: WorkerDeps, fence: Fence, job: JobRow, end: TrainerEnd): Promise<void> {
  const { db, logger } = deps
  await persist(logger, async () => {
    if (await cancelJob(db, fence)) return logger.info('job cancelled')
    const isWritten = await writeEnd(deps, fence, job, end)
    // A cancel that was accepted in between has refused the write.
    if (!isWritten && (await cancelJob(db, fence))) logger.info('job cancelled')
  })
}

/** @returns false when the write was refused: the attempt is over, or a cancel was accepted */
async function writeEnd(deps: WorkerDeps, fence: Fence, job: JobRow, end: TrainerEnd): Promise<boolean> {
  const { db, logger } = deps
  switch (end.type) {
    case 'finished': {
      const version = await succeedJob(db, fence, end.evaluation, tx =>
        insertVersion(tx, job.modelName, end.artifact, end.description),
      )
      if (version !== null) logger.info({ modelName: job.modelName, version }, 'job succeeded')
      return version !== null
    }
    case 'failed':
      logger.info({ code: end.code, reason: end.message }, 'job failed')
      return failJob(db, fence, { code: end.code, message: end.message, param: null })
    case 'stopped':
      logger.info('job handed over')
      return interruptJob(db, fence, 'shutdown', false)
    case 'crashed':
      return endCrashed(deps, fence, job, end)
  }
}

async function endCrashed(
  { db, logger, stopping }: WorkerDeps,
  fence: Fence,
  job: JobRow,
  { exitCode, signal }: Extract<TrainerEnd, { type: 'crashed' }>,
): Promise<boolean> {
  logger.warn({ exitCode, signal }, 'the trainer crashed')
  if (stopping.aborted) return interruptJob(db, fence, 'shutdown', false)
  if ((await countCrashes(db, job.id)) + 1 < CRASHES_MAX) {
    return interruptJob(db, fence, 'trainer-crashed', true)
  }
  const how = signal ? `signal ${signal}` : `exit code ${exitCode}`
  const message = `the trainer crashed ${CRASHES_MAX} times in a row without a checkpoint between, last by ${how}`
  return failJob(db, fence, { code: 'WORKER_CRASHED', message, param: null })
}
