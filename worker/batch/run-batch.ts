import { BlobDamagedError, type BlobStore } from '../../src/storage/blob-store.ts'
import { assembleOutput } from './assemble-output.ts'
import { type BatchRunDeps, loadBatch } from './loaded-batch.ts'
import type { BatchJob } from './messages.ts'

/**
 * Predicts the chunks that are not done, each durable before it is told, then writes them as one file. A chunk depends
 * on nothing but its rows, so whoever goes on behind it comes to the same file.
 */
export async function runBatch(deps: BatchRunDeps, job: BatchJob): Promise<void> {
  const { blobs, send } = deps
  const chunks = new Map(job.chunks)
  const batch = await loadBatch(deps, job)
  if (!batch) return send({ type: 'stopped' })
  for (let index = 0; index < batch.chunkCount; index++) {
    if (chunks.has(index)) continue
    const outputs = await batch.predict(index)
    if (!outputs) return send({ type: 'stopped' })
    const { sha256 } = await blobs.put(new Uint8Array(outputs.buffer))
    chunks.set(index, sha256)
    const { from, to } = batch.rangeOf(index)
    send({ type: 'chunk', chunk: { index, sha256, rows: to - from } })
  }
  const result = await assembleOutput(deps, job, batch, async index => {
    return (await readOutputs(blobs, chunks.get(index) ?? '')) ?? batch.predict(index)
  })
  send(result ? { type: 'finished', result } : { type: 'stopped' })
}

/** @returns null when the file is missing or damaged: then it is computed once more */
async function readOutputs(blobs: BlobStore, sha256: string): Promise<Float32Array | null> {
  try {
    const bytes = await blobs.read(sha256)
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  } catch (error) {
    if (error instanceof BlobDamagedError) return null
    throw error
  }
}
