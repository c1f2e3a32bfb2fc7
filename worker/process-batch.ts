import {
  type BatchFence,
  type ChunkRecord,
  cancelBatch,
  failBatch,
  interruptBatch,
  listChunks,
  recordChunk,
  renewBatchLease,
  succeedBatch,
} from '../src/batch-predictions/attempt-repository.ts'
import type { BatchInput } from '../src/batch-predictions/batch-input.ts'
import type { BatchRow } from '../src/batch-predictions/repository.ts'
import type { OutputFormat } from '../src/batch-predictions/schemas.ts'
import type { Database } from '../src/db/client.ts'
import type { Listener } from '../src/db/listen.ts'
import type { Logger } from '../src/logger.ts'
import type { Artifact } from '../src/models/artifact.ts'
import type { StorageSettings } from '../src/storage/open-blob-store.ts'
import type { BatchJob } from './batch/messages.ts'
import { type BatchEnd, forkBatch } from './batch-process.ts'
import { keepLease } from './lease.ts'
import { persist } from './persist.ts'
import { toStorableText } from './trainer-log.ts'

/** What predicting batches works with. */
export interface BatchWorkerDeps {
  db: Database
  listener: Listener
  logger: Logger
  workerId: string
  storage: StorageSettings
  leaseSeconds: number
  /** Aborts when the worker shall hand its work over. */
  stopping: AbortSignal
}

/** Predicts a batch that was claimed, supervises the process that does it, and finishes it. */
export async function processBatch(deps: BatchWorkerDeps, row: BatchRow): Promise<void> {
  const logger = deps.logger.child({ batchId: row.id, attempt: row.attempt })
  const fence = { batchId: row.id, attempt: row.attempt }
  logger.info('batch prediction claimed')
  const job = await persist(logger, () => describeJob(deps, row))
  const end = await supervise({ ...deps, logger }, fence, job)
  if (end === 'fenced') return logger.warn('the batch prediction is another worker’s now')
  await persist(logger, () => finish({ ...deps, logger }, fence, end))
}

async function describeJob({ db, storage }: BatchWorkerDeps, row: BatchRow): Promise<BatchJob> {
  return {
    batchId: row.id,
    storage,
    files: row.modelFiles as Artifact['files'], // JSON columns are written by insertBatch only
    input: row.input as unknown as BatchInput,
    output: row.output as OutputFormat, // a CHECK keeps it to these
    split: row.split ?? 'upload',
    chunkRows: row.chunkRows,
    chunks: await listChunks(db, row.id),
  }
}

/** Runs the process and keeps the lease, until the process is gone and its chunks are written. */
async function supervise(
  deps: BatchWorkerDeps,
  fence: BatchFence,
  job: BatchJob,
): Promise<BatchEnd | 'fenced'> {
  let isFenced = false
  let writing = Promise.resolve()
  const onFenced = () => {
    isFenced = true
    child.kill()
  }
  const write = async (chunk: ChunkRecord) => {
    if (isFenced) return
    const isOurs = await persist(deps.logger, () => recordChunk(deps.db, fence, chunk))
    if (!isOurs) onFenced()
  }
  const child = forkBatch(job, deps.logger, chunk => {
    writing = writing.then(() => write(chunk))
    writing.catch(() => child.kill()) // whoever awaits the writing hears of it
  })
  const held = { id: fence.batchId, renew: () => renewBatchLease(deps.db, fence, deps.leaseSeconds) }
  const stop = () => child.stop()
  const lease = keepLease(deps, held, { onFenced, onCancelRequested: stop, onPauseRequested: () => {} })
  deps.stopping.addEventListener('abort', stop, { once: true })
  if (deps.stopping.aborted) stop()
  try {
    const end = await child.ended
    await writing
    return isFenced ? 'fenced' : end
  } finally {
    deps.stopping.removeEventListener('abort', stop)
    child.kill()
    await lease.close()
  }
}

/** Writes how an attempt ended: cancelled when that was asked for, else as it went. */
async function finish(
  { db, logger, stopping }: BatchWorkerDeps,
  fence: BatchFence,
  end: BatchEnd,
): Promise<void> {
  if (await cancelBatch(db, fence)) return logger.info('batch prediction cancelled')
  if (!(await writeEnd(db, fence, end, stopping.aborted))) {
    // A cancel that was accepted in between has refused the write.
    if (await cancelBatch(db, fence)) logger.info('batch prediction cancelled')
    return
  }
  logger.info({ end: end.type }, 'attempt at a batch prediction ended')
}

/** @returns false when the write was refused */
async function writeEnd(
  db: Database,
  fence: BatchFence,
  end: BatchEnd,
  isStopping: boolean,
): Promise<boolean> {
  if (end.type === 'stopped') return handOver(db, fence)
  if (end.type === 'finished') return succeedBatch(db, fence, end.result)
  if (end.type === 'failed') {
    return failBatch(db, fence, { code: end.code, message: toStorableText(end.message) })
  }
  if (isStopping) return handOver(db, fence) // it took too long to stop
  const how = end.signal ?? `exit code ${end.exitCode}`
  const message = `the process that predicts crashed again and again, last by ${how}`
  return interruptBatch(db, fence, 'trainer-crashed', { code: 'WORKER_CRASHED', message })
}

/** A hand-over fails nothing, so the error is never written. */
function handOver(db: Database, fence: BatchFence): Promise<boolean> {
  return interruptBatch(db, fence, 'shutdown', { code: 'WORKER_LOST', message: '' })
}
