import { parentPort, workerData } from 'node:worker_threads'
import { AppError } from '../../errors.ts'
import type { ReadOutcome, ReadRequest } from './read-in-thread.ts'
import { readModelFile } from './read-model-file.ts'

/** The thread that reads one file and ends: what a file makes its readers do holds nobody up and can be ended. */
const { files, options } = workerData as ReadRequest
const outcome = await readModelFile(
  new Map(
    files.map(([name, bytes]) => [name, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)]),
  ),
  options,
).then(
  (read): ReadOutcome => ({ read }),
  (error: unknown): ReadOutcome => {
    if (!(error instanceof AppError)) throw error
    return { refusal: { code: error.code, message: error.message, errors: error.errors } }
  },
)
const arrays = 'read' in outcome ? [...outcome.read.model.weights.values()] : []
parentPort?.postMessage(outcome, [...new Set(arrays.map(({ buffer }) => buffer as ArrayBuffer))])
