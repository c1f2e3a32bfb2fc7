import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { AppError, type ErrorCode, type FieldError } from '../../errors.ts'
import type { ImportOptions } from './options.ts'
import type { ImportFiles, ReadModel } from './read-model-file.ts'
import { refuse } from './refuse.ts'

/** What the thread gets. */
export interface ReadRequest {
  files: [name: string, bytes: Uint8Array][]
  options: ImportOptions
}

/** What the thread gives: a model, or why there is none. */
export type ReadOutcome =
  | { read: ReadModel }
  | { refusal: { code: ErrorCode; message: string; errors: readonly FieldError[] } }

/** The largest file takes a few seconds. */
const READING_MS_MAX = 60_000

/** Of JavaScript's objects; arrays of numbers are bounded by what a file and a network may have. */
const MEMORY_MB_MAX = 1_024

/**
 * Reads a model file in a thread of its own, with bounds on its time and memory: predictions go on beside it.
 * @param files - each in memory of its own, which goes over to the thread
 * @throws {AppError} of `readModelFile`
 */
export async function readInThread(files: ImportFiles, options: ImportOptions): Promise<ReadModel> {
  const entry = new URL(`./reader-thread${import.meta.url.slice(-3)}`, import.meta.url)
  const workerData: ReadRequest = { files: [...files], options }
  const thread = new Worker(entry, {
    workerData,
    transferList: [...files.values()].map(({ buffer }) => buffer as ArrayBuffer),
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB_MAX },
  })
  thread.on('error', () => {}) // whoever waits hears of it; later ones, of its end, mean nothing
  const timer = setTimeout(() => thread.emit('error', refuse(TOO_LONG)), READING_MS_MAX)
  try {
    const [outcome] = (await once(thread, 'message')) as [ReadOutcome] // or it throws what the thread threw
    if ('read' in outcome) return outcome.read
    const { code, message, errors } = outcome.refusal
    throw new AppError(code, message, { errors })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      throw refuse(`reading the file must take ${MEMORY_MB_MAX} MB of memory at most; it takes more`)
    }
    throw error
  } finally {
    clearTimeout(timer)
    await thread.terminate()
  }
}

const TOO_LONG = `reading the file must take ${READING_MS_MAX / 1_000} seconds at most; it takes more`
