import os from 'node:os'
import { AppError, type ErrorCode } from '../../src/errors.ts'
import { openBlobStore } from '../../src/storage/open-blob-store.ts'
import { openEngine } from '../engines/choose-engine.ts'
import type { Engine } from '../engines/engine.ts'
import { parseMessage, type TrainerJob, type TrainerMessage, WorkerMessageSchema } from './messages.ts'
import { isOutOfMemory } from './out-of-memory.ts'
import { runTraining } from './run-training.ts'

/** The API and the databases on the same machine come first. */
const NICENESS = 10

/** A store elsewhere may be away for about a minute before the attempt is given up. */
const STORAGE_ATTEMPTS = 10

/** How often it says that it works; its worker waits for many of these before it gives it up. */
const ALIVE_MS = 1_000

/**
 * The trainer process: it loads its engine, waits for a job, makes one attempt at it and ends. It ends too when its worker goes away, and ignores the
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

let loading: Promise<Engine> | null = null

process.on('message', async (raw: unknown) => {
  const message = parseMessage(WorkerMessageSchema, raw)
  try {
    switch (message.type) {
      case 'load':
        loading = openEngine(message.choice)
        send({ type: 'loaded', device: (await loading).device })
        return
      case 'start':
        await train(message.job)
        break
      case 'stop':
        stopRequest = message
        return
    }
  } catch (error) {
    send({ type: 'failed', ...describe(error) })
  }
  hasEnded = true
})

async function train(job: TrainerJob): Promise<void> {
  if (!loading) throw new Error('an engine must be loaded before a job starts')
  setInterval(() => send({ type: 'alive' }), ALIVE_MS).unref()
  const engine = await loading
  const blobs = await openBlobStore(job.storage, { attempts: STORAGE_ATTEMPTS, isCached: true })
  await runTraining({ engine, blobs, send, stopRequest: () => stopRequest }, job)
}

/**
 * What the job's owner must know to mend it.
 * @throws the error itself when the machine is at fault: this process crashes, and another attempt may do better
 */
function describe(error: unknown): { code: ErrorCode; message: string } {
  if (error instanceof AppError && error.code === 'STORAGE_UNAVAILABLE') throw error
  if (error instanceof AppError) return { code: error.code, message: error.message }
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')) {
    const advice = 'Make room there, then retry the job: it goes on from its last checkpoint'
    return { code: 'STORAGE_FULL', message: `the data folder is full: ${message}. ${advice}` }
  }
  if (isOutOfMemory(message)) {
    const advice = 'Use a smaller network, batch or dataset, or a machine with more memory'
    return {
      code: 'OUT_OF_MEMORY',
      message: `the training must fit into the memory of its worker; it did not: ${message}. ${advice}`,
    }
  }
  if (error instanceof Error && 'syscall' in error) throw error
  return { code: 'TRAINER_FAILED', message }
}
