import { setTimeout as delay } from 'node:timers/promises'
import { isTransient } from '../../db/away.ts'
import type { Database } from '../../db/client.ts'
import { AppError } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import { isStorageFull } from '../../storage/full.ts'
import type { Dataset } from '../schemas.ts'
import { receiveDataset, type UploadDeps } from '../upload.ts'
import { readParts } from './create-from-uploads.ts'
import { claimTask, type DatasetTask, finishTask, releaseTask, renewTask } from './repository.ts'

/** What processing works with. */
export interface ProcessorDeps extends UploadDeps {
  db: Database
  logger: Logger
  /** A process silent for this long loses its dataset to another. */
  leaseSeconds: number
}

/** Makes datasets from uploads in the background, until it is closed. */
export interface DatasetProcessor {
  /** There may be a new one. */
  nudge(): void
  close(): Promise<void>
}

const LOOK_MS = 1_000

/** A dataset whose files ended so many processes is given up. */
const ATTEMPTS_MAX = 3

/** How long to wait for a database or a store that is away. */
const AWAY_SECONDS = 5

/**
 * Runs in every API process, one dataset at a time in each. A dataset is claimed under a lease, so one whose process was killed is
 * begun anew by another, from its uploads, which stay until it is done.
 */
export function startDatasetProcessor(deps: ProcessorDeps): DatasetProcessor {
  const closing = new AbortController()
  let wake = new AbortController()
  const running = (async () => {
    while (!closing.signal.aborted) {
      wake = new AbortController()
      const hadWork = await processNext(deps, closing.signal).catch(err => {
        deps.logger.warn({ err }, 'datasets could not be looked for; trying again')
        return false
      })
      if (!hadWork) await delay(LOOK_MS, undefined, { signal: wake.signal }).catch(() => {})
    }
  })()
  return {
    nudge: () => wake.abort(),
    async close() {
      closing.abort()
      wake.abort()
      await running
    },
  }
}

/** @returns whether there was a dataset */
async function processNext(deps: ProcessorDeps, closing: AbortSignal): Promise<boolean> {
  const { db, leaseSeconds } = deps
  const task = await claimTask(db, leaseSeconds)
  if (!task) return false
  const logger = deps.logger.child({ datasetId: task.datasetId })
  const lost = new AbortController()
  const renewal = setInterval(
    async () => {
      const isMine = await renewTask(db, task, leaseSeconds).catch(() => true) // the end will show it
      if (!isMine) lost.abort()
    },
    (leaseSeconds * 1_000) / 3,
  )
  try {
    const signal = AbortSignal.any([closing, lost.signal])
    if (task.attempts > ATTEMPTS_MAX) throw givenUp()
    const dataset = await receiveDataset(deps, readParts(deps, task, signal))
    if (await finishTask(db, task, { dataset })) logger.info('dataset processed')
  } catch (error) {
    if (lost.signal.aborted) logger.info('the dataset was deleted, or is another process’s now')
    else if (closing.aborted) await releaseTask(db, task, 0)
    else await endOrRetry({ ...deps, logger }, task, error)
  } finally {
    clearInterval(renewal)
  }
  return true
}

async function endOrRetry({ db, logger }: ProcessorDeps, task: DatasetTask, error: unknown): Promise<void> {
  if (isTransient(error) || (error instanceof AppError && error.code === 'STORAGE_UNAVAILABLE')) {
    logger.warn({ err: error }, 'the dataset waits for the database or the store')
    return releaseTask(db, task, AWAY_SECONDS)
  }
  const reason = describe(error)
  if (reason.code === 'DATASET_NOT_PROCESSED') logger.error({ err: error }, 'the dataset failed')
  else logger.info({ code: reason.code, reason: reason.message }, 'the dataset failed')
  await finishTask(db, task, { error: reason })
}

function describe(error: unknown): NonNullable<Dataset['error']> {
  if (error instanceof AppError) return { code: error.code, message: error.message }
  if (isStorageFull(error)) {
    return {
      code: 'STORAGE_FULL',
      message: 'there must be space left for the dataset; make room and create it again',
    }
  }
  const message = 'the files could not be read because of an error of the service; its log has it'
  return { code: 'DATASET_NOT_PROCESSED', message }
}

function givenUp(): AppError {
  const message = `a process must survive the reading of the files; ${ATTEMPTS_MAX} ended while they read them`
  return new AppError('DATASET_NOT_PROCESSED', message)
}
