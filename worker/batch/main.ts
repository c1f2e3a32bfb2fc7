import os from 'node:os'
import { AppError, type ErrorCode } from '../../src/errors.ts'
import { isStorageFull } from '../../src/storage/full.ts'
import { openBlobStore } from '../../src/storage/open-blob-store.ts'
import { parseMessage } from '../trainer/messages.ts'
import { type FromPredictor, ToPredictorSchema } from './messages.ts'
import { runBatch } from './run-batch.ts'

/** A store elsewhere may be away for about a minute before the attempt is given up. */
const STORAGE_ATTEMPTS = 10

/** The API and the databases on the same machine come first. */
const NICENESS = 10

/**
 * The process that predicts a batch: it waits for one, makes one attempt at it and ends. It ends too when its worker
 * goes away, and ignores the terminal's Ctrl-C, which its worker answers for it.
 */
let hasEnded = false
process.once('disconnect', () => process.exit(hasEnded ? 0 : 1))
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
os.setPriority(NICENESS)

let isStopped = false

function send(message: FromPredictor): void {
  process.send?.(message)
}

process.on('message', async (raw: unknown) => {
  const message = parseMessage(ToPredictorSchema, raw)
  if (message.type === 'stop') {
    isStopped = true
    return
  }
  try {
    const blobs = await openBlobStore(message.job.storage, { attempts: STORAGE_ATTEMPTS, isCached: true })
    await runBatch({ blobs, send, isStopped: () => isStopped }, message.job)
  } catch (error) {
    send({ type: 'failed', ...describe(error) })
  }
  hasEnded = true
})

/**
 * What the owner of the batch must know.
 * @throws the error itself when the machine is at fault: this process crashes, and another attempt may do better
 */
function describe(error: unknown): { code: ErrorCode; message: string } {
  if (error instanceof AppError) return { code: error.code, message: error.message }
  const message = error instanceof Error ? error.message : String(error)
  if (isStorageFull(error)) return { code: 'STORAGE_FULL', message: `the data folder is full: ${message}` }
  if (error instanceof Error && 'syscall' in error) throw error
  return { code: 'BATCH_FAILED', message }
}
