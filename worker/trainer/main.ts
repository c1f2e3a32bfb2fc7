import os from 'node:os'
import { AppError } from '../../src/errors.ts'
import { createDiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { openEngine } from '../engines/choose-engine.ts'
import { parseMessage, type TrainerMessage, WorkerMessageSchema } from './messages.ts'
import { runTraining } from './run-training.ts'

/** The API and the databases on the same machine come first. */
const NICENESS = 10

/**
 * The trainer process: one attempt at one job, then it ends. It ends too when its worker goes away, and ignores the
 * terminal's Ctrl-C, which its worker answers for it.
 */
let hasEnded = false
process.once('disconnect', () => process.exit(hasEnded ? 0 : 1))
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
os.setPriority(NICENESS)

let stopRequest: { checkpoint: boolean } | null = null

function send(message: TrainerMessage): void {
  process.send?.(message)
}

process.on('message', async (raw: unknown) => {
  const message = parseMessage(WorkerMessageSchema, raw)
  if (message.type === 'stop') {
    stopRequest = message
    return
  }
  try {
    const engine = await openEngine(message.choice)
    const blobs = createDiskBlobStore(message.job.dataDir)
    await runTraining({ engine, blobs, send, stopRequest: () => stopRequest }, message.job)
  } catch (error) {
    send({ type: 'failed', ...describe(error) })
  }
  hasEnded = true
})

function describe(error: unknown): {
  code: 'TRAINING_DIVERGED' | 'TRAINER_FAILED' | 'STORAGE_FULL'
  message: string
} {
  if (error instanceof AppError && error.code === 'TRAINING_DIVERGED')
    return { code: error.code, message: error.message }
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) {
    return { code: 'STORAGE_FULL', message: `the data folder is full: ${message}` }
  }
  return { code: 'TRAINER_FAILED', message }
}
