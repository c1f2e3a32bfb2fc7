import { parentPort, workerData } from 'node:worker_threads'
import { writeExport } from './write-export.ts'
import type { ThreadInput } from './write-in-thread.ts'

/** The entry of a thread: writes one export, and hands its files over. */
const { format, model } = workerData as ThreadInput
const files = await writeExport(format, model)
const buffers = files.flatMap(({ content: { buffer, byteLength } }) =>
  buffer.byteLength === byteLength ? [buffer as ArrayBuffer] : [],
)
parentPort?.postMessage(files, [...new Set(buffers)])
