import { getDataset } from '../src/datasets/repository.ts'
import type { Database } from '../src/db/client.ts'
import type { Listener } from '../src/db/listen.ts'
import { AppError, ERRORS } from '../src/errors.ts'
import { claimJob, type Fence, listCheckpoints, renewLease } from '../src/jobs/attempt-repository.ts'
import { failJob, interruptJob } from '../src/jobs/ending-repository.ts'
import type { JobRow } from '../src/jobs/repository.ts'
import type { TrainingSpec } from '../src/jobs/training-spec.ts'
import type { Logger } from '../src/logger.ts'
import type { Network } from '../src/mlp/network.ts'
import type { BaseModel } from '../src/models/base-model.ts'
import { resolveVersion } from '../src/models/repository.ts'
import type { FittedPreprocessing, Preprocessing } from '../src/preprocessing/preprocessing.ts'
import type { StorageSettings } from '../src/storage/open-blob-store.ts'
import { type AttemptEnd, describeError, finishAttempt, type StopReason } from './finish-attempt.ts'
import { keepLease } from './lease.ts'
import { persist } from './persist.ts'
import { createReportWriter } from './report-writer.ts'
import type { TrainerJob } from './trainer/messages.ts'
import type { Preparation } from './trainer/split-rows.ts'
import type { TrainerPool } from './trainer-pool.ts'
import type { TrainerReport } from './trainer-process.ts'

/** What a worker works with. */
export interface WorkerDeps {
  db: Database
  listener: Listener
  logger: Logger
  workerId: string
  trainers: TrainerPool
  /** What the trainers compute with, and on. */
  engine: string
  device: string
  storage: StorageSettings
  leaseSeconds: number
  checkpointSeconds: number
  residentBytesMax: number
  /** Aborts when the worker shall hand its jobs over. */
  stopping: AbortSignal
}

/** Claims a job, supervises its trainer, finishes it. Does nothing when somebody else has the job. */
export async function processTrainingJob(deps: WorkerDeps, jobId: string): Promise<void> {
  if (deps.stopping.aborted) return
  const job = await claimJob(deps.db, { ...deps, jobId })
  if (!job) return
  const logger = deps.logger.child({ jobId, attempt: job.attempt })
  const fence = { jobId, attempt: job.attempt }
  logger.info('job claimed')
  try {
    const trainerJob = await persist(logger, () => describeJob(deps, job))
    const end = await superviseTrainer({ ...deps, logger }, fence, trainerJob, job.runtimeSeconds)
    if (end === 'fenced') logger.warn('the job is another worker’s now; this attempt is over')
    else await persist(logger, () => finishAttempt({ ...deps, logger }, fence, job, end))
  } catch (error) {
    logger.error({ err: error }, 'the attempt was lost')
    await giveUp({ ...deps, logger }, fence, error)
  }
}

/** What the user must mend ends the job; for anything else the job waits for another attempt, and that counts. */
async function giveUp({ db, logger }: WorkerDeps, fence: Fence, error: unknown): Promise<void> {
  const isFinal = error instanceof AppError && !ERRORS[error.code].retryable
  const reason = error instanceof Error ? error.message : String(error)
  const message = isFinal ? reason : `the worker could not supervise the training: ${reason}. See its log`
  try {
    await persist<unknown>(logger, () =>
      isFinal
        ? failJob(db, fence, describeError(error.code, message, []))
        : interruptJob(db, fence, 'trainer-crashed', describeError('WORKER_CRASHED', message, [])),
    )
  } catch (second) {
    logger.error({ err: second }, 'the end of the attempt was not written; its lease runs out')
  }
}

async function describeJob(
  { db, storage, checkpointSeconds, residentBytesMax }: WorkerDeps,
  job: JobRow,
): Promise<TrainerJob> {
  const dataset = await getDataset(db, job.datasetId)
  const baseModel = job.baseModel as BaseModel | null // JSON columns are written by submitJob only
  return {
    jobId: job.id,
    storage,
    checkpointSeconds,
    residentBytesMax,
    dataset: { ...dataset, sha256: job.datasetSha256 },
    network: job.network as unknown as Network,
    training: job.training as unknown as TrainingSpec,
    ...describePreparation(job, baseModel),
    parameterCount: job.parameterCount,
    base: baseModel && { ...baseModel, files: (await resolveVersion(db, baseModel.name, baseModel)).files },
    checkpoints: await listCheckpoints(db, job.id),
  }
}

function describePreparation({ preprocessing }: JobRow, baseModel: BaseModel | null): Preparation {
  return baseModel?.keptPreprocessing
    ? { preprocessing: preprocessing as unknown as FittedPreprocessing, isFitted: true }
    : { preprocessing: preprocessing as unknown as Preprocessing, isFitted: false }
}

/**
 * Runs the trainer and keeps the lease, until the trainer is gone and its reports are written.
 * @param ranSeconds - how long earlier attempts ran
 */
async function superviseTrainer(
  deps: WorkerDeps,
  fence: Fence,
  job: TrainerJob,
  ranSeconds: number,
): Promise<AttemptEnd | 'fenced'> {
  let isFenced = false
  const onFenced = () => {
    isFenced = true
    trainer.kill()
  }
  const reports = createReportWriter(deps, fence, why => (why === 'fenced' ? onFenced() : trainer.kill()))
  const trainer = deps.trainers.take()
  trainer.start(job, report => {
    if (isNearlyOver(report)) deps.trainers.prepareNext(trainer)
    reports.write(report)
  })
  const stopReasons = new Set<StopReason>()
  const stop = (reason: StopReason) => {
    stopReasons.add(reason)
    trainer.stop({ checkpoint: !stopReasons.has('cancel') })
  }
  const held = { id: fence.jobId, renew: () => renewLease(deps.db, fence, deps.leaseSeconds) }
  const lease = keepLease(deps, held, {
    onFenced,
    onCancelRequested: () => stop('cancel'),
    onPauseRequested: () => stop('pause'),
  })
  const runtime = startRuntimeClock(job.training, ranSeconds, () => stop('runtime'))
  const handOver = () => stop('shutdown')
  if (deps.stopping.aborted) handOver()
  deps.stopping.addEventListener('abort', handOver, { once: true })
  try {
    const end = await trainer.ended
    await reports.drain()
    return isFenced ? 'fenced' : { trainer: end, stopReasons, logTail: trainer.logTail() }
  } finally {
    deps.stopping.removeEventListener('abort', handOver)
    clearTimeout(runtime)
    trainer.kill()
    await lease.close()
  }
}

/** Loading an engine takes about this long; the next job's is loaded while this one's last steps run. */
const PREPARE_AHEAD_SECONDS = 2

function isNearlyOver(report: TrainerReport): boolean {
  if (report.type !== 'progress') return false
  const { etaSeconds, phase } = report.progress
  return phase !== 'training' || (etaSeconds !== null && etaSeconds < PREPARE_AHEAD_SECONDS)
}

/** Jobs of earlier releases have no limit either. */
function startRuntimeClock(
  { maxRuntimeSeconds = null }: Partial<TrainingSpec>,
  ranSeconds: number,
  onOver: () => void,
): NodeJS.Timeout | undefined {
  if (maxRuntimeSeconds === null) return undefined
  return setTimeout(onOver, Math.max(0, maxRuntimeSeconds - ranSeconds) * 1_000)
}
