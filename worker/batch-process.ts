import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ChunkRecord } from '../src/batch-predictions/attempt-repository.ts'
import type { Logger } from '../src/logger.ts'
import { type BatchJob, type FromPredictor, FromPredictorSchema, type ToPredictor } from './batch/messages.ts'
import { parseMessage } from './trainer/messages.ts'
import { createTrainerLog } from './trainer-log.ts'
import { inheritedEnvironment, waitForEnd } from './trainer-process.ts'

/** How the process ended: by its own last message, or without one. */
export type BatchEnd =
  | Exclude<FromPredictor, { type: 'chunk' }>
  | { type: 'crashed'; exitCode: number | null; signal: NodeJS.Signals | null }

/** A process that predicts a batch. */
export interface BatchProcess {
  /** Resolves when the process is gone. */
  readonly ended: Promise<BatchEnd>
  /** Asks it to stop between two pieces of work; it is killed when it takes too long. */
  stop(): void
  /** Ends it at once. */
  kill(): void
}

/** A piece of work takes 100 ms, and writing a chunk or verifying a file longer. */
const STOP_GRACE_MS = 5_000

/**
 * Forks a process for a batch, so that the worker stays awake while it computes. It ends with its worker.
 * @param onChunk - called with each chunk, in order
 */
export function forkBatch(
  job: BatchJob,
  logger: Logger,
  onChunk: (chunk: ChunkRecord) => void,
): BatchProcess {
  const entry = fileURLToPath(new URL(`./batch/main${import.meta.url.slice(-3)}`, import.meta.url))
  const child = fork(entry, [], {
    env: inheritedEnvironment(job.storage.kind),
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const log = createTrainerLog(logger)
  for (const stream of [child.stdout, child.stderr]) if (stream) log.follow(stream)
  logger.debug({ batchPid: child.pid }, 'process for a batch forked')
  const tell = (message: ToPredictor) => child.connected && child.send(message, () => {}) // a lost child is seen by its exit
  const kill = () => void child.kill('SIGKILL')
  const killLate = () => {
    const timer = setTimeout(kill, STOP_GRACE_MS)
    child.once('exit', () => clearTimeout(timer))
  }
  let end: BatchEnd | null = null
  child.on('message', raw => {
    const message = tryParse(raw)
    if (message?.type === 'chunk') return onChunk(message.chunk)
    end = message ?? {
      type: 'failed',
      code: 'BATCH_FAILED',
      message: 'a message came that nobody understands',
    }
    if (child.connected) child.disconnect()
    killLate()
  })
  tell({ type: 'start', job })
  return {
    ended: waitForEnd(child).then(exit => end ?? { type: 'crashed', ...exit }),
    stop() {
      tell({ type: 'stop' })
      killLate()
    },
    kill,
  }
}

/** @returns null for what is no message: an error here would end the worker and all its jobs */
function tryParse(raw: unknown): FromPredictor | null {
  try {
    return parseMessage(FromPredictorSchema, raw)
  } catch {
    return null
  }
}
