import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { ExportedFile, ExportedModel } from './exported-model.ts'
import { type WrittenFormat, writeExport } from './write-export.ts'

/** Weights that are written at once at most: a few milliseconds. A thread of its own takes a tenth of a second to start. */
const PARAMETERS_AT_ONCE = 500_000

/** What a thread is started with. */
export interface ThreadInput {
  format: WrittenFormat
  model: ExportedModel
}

/**
 * Writes an export, a large one in a thread of its own: nobody waits for it but who asked.
 * @param model - its weights move to the thread, and are not to be read again
 */
export async function writeInThread(format: WrittenFormat, model: ExportedModel): Promise<ExportedFile[]> {
  if (model.manifest.parameterCount <= PARAMETERS_AT_ONCE) return writeExport(format, model)
  const input: ThreadInput = { format, model }
  const buffers = new Set([...model.weights.values()].map(({ buffer }) => buffer as ArrayBuffer)) // variables may share one
  const thread = new Worker(new URL(`./thread${import.meta.url.slice(-3)}`, import.meta.url), {
    workerData: input,
    transferList: [...buffers],
  })
  try {
    const [files] = await once(thread, 'message') // an error of the thread rejects
    return files
  } finally {
    await thread.terminate()
  }
}
