import type { Database } from '../src/db/client.ts'
import type { ErrorCode } from '../src/errors.ts'
import type { Fence } from '../src/jobs/attempt-repository.ts'
import {
  cancelJob,
  failJob,
  interruptJob,
  type JobError,
  pauseJob,
  succeedJob,
} from '../src/jobs/ending-repository.ts'
import { readOrigin } from '../src/jobs/lineage-repository.ts'
import type { JobRow } from '../src/jobs/repository.ts'
import type { TrainingSpec } from '../src/jobs/training-spec.ts'
import type { Logger } from '../src/logger.ts'
import { describeLineage } from '../src/models/lineage.ts'
import { insertVersion } from '../src/models/repository.ts'
import { explainCrash } from './explain-crash.ts'
import { toStorableText } from './trainer-log.ts'
import type { TrainerEnd } from './trainer-process.ts'

/** Why a trainer was asked to stop. */
export type StopReason = 'cancel' | 'pause' | 'shutdown' | 'runtime'

/** How an attempt went. */
export interface AttemptEnd {
  trainer: TrainerEnd
  /** What it was asked for, if anything. */
  stopReasons: ReadonlySet<StopReason>
  /** The last lines of the trainer. */
  logTail: readonly string[]
}

/**
 * Writes how an attempt ended: cancelled when that was asked for before, else as it went, else paused. Nothing is
 * written when the job is no longer this attempt's.
 */
export async function finishAttempt(
  deps: { db: Database; logger: Logger },
  fence: Fence,
  job: Pick<JobRow, 'modelName' | 'training'>,
  end: AttemptEnd,
): Promise<void> {
  const { db, logger } = deps
  if (await cancelJob(db, fence)) return logger.info('job cancelled')
  if (await writeEnd(deps, fence, job, end)) return
  // A wish that was accepted in between has refused the write.
  if (await cancelJob(db, fence)) logger.info('job cancelled')
  else if (await pauseJob(db, fence)) logger.info('job paused')
}

/** @returns false when the write was refused: the attempt is over, or a wish was accepted */
async function writeEnd(
  deps: { db: Database; logger: Logger },
  fence: Fence,
  job: Pick<JobRow, 'modelName' | 'training'>,
  end: AttemptEnd,
): Promise<boolean> {
  const { db, logger } = deps
  const { trainer, stopReasons, logTail } = end
  const fail = (code: ErrorCode, message: string) => {
    logger.info({ code, reason: message }, 'job failed')
    return failJob(db, fence, describeError(code, message, logTail))
  }
  if (trainer.type === 'finished') {
    const { artifact, description, outcomes } = trainer
    const version = await succeedJob(db, fence, trainer.evaluation, async tx => {
      const lineage = describeLineage(description, await readOrigin(tx, fence.jobId))
      return insertVersion(tx, job.modelName, artifact, description, { lineage, outcomes })
    })
    if (version !== null) logger.info({ modelName: job.modelName, version }, 'job succeeded')
    return version !== null
  }
  if (trainer.type === 'failed') return fail(trainer.code, trainer.message)
  if (stopReasons.has('runtime')) return fail('MAX_RUNTIME_EXCEEDED', explainRuntime(job))
  if (await pauseJob(db, fence)) {
    logger.info('job paused')
    return true
  }
  // One that was asked to stop and had to be killed goes on from its last checkpoint, and nothing is charged.
  if (trainer.type === 'stopped' || stopReasons.size > 0) return handOver(deps, fence)
  const { exitCode, signal } = trainer
  logger.warn({ exitCode, signal }, 'the trainer crashed')
  const { isFinal, code, message } = explainCrash(trainer, logTail)
  if (isFinal) return fail(code, message)
  const failure = describeError(code, message, logTail)
  return (await interruptJob(db, fence, 'trainer-crashed', failure)) !== 'refused'
}

async function handOver({ db, logger }: { db: Database; logger: Logger }, fence: Fence): Promise<boolean> {
  if ((await interruptJob(db, fence, 'shutdown', null)) === 'refused') return false
  logger.info('job handed over')
  return true
}

function explainRuntime({ training }: Pick<JobRow, 'training'>): string {
  const { maxRuntimeSeconds } = training as unknown as TrainingSpec // JSON columns are written by submitJob only
  return (
    `the training may run for ${maxRuntimeSeconds} seconds (training.maxRuntimeSeconds); they are over. ` +
    'A retry goes on from the last checkpoint, with as many seconds again'
  )
}

/** An error as a job keeps it. */
export function describeError(code: ErrorCode, message: string, logTail: readonly string[]): JobError {
  return { code, message: toStorableText(message), param: null, logTail }
}
