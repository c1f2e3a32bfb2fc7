import { setTimeout as delay } from 'node:timers/promises'
import { claimBatch } from '../src/batch-predictions/attempt-repository.ts'
import { type BatchWorkerDeps, processBatch } from './process-batch.ts'

/** A part of a worker that predicts batches, one at a time, beside its trainers. */
export interface BatchWorker {
  /** Hands its batch over. */
  close(): Promise<void>
}

/** How often it looks without being told. */
const LOOK_MS = 1_000

/** Takes batch predictions, the oldest first, until it is closed. */
export function startBatchWorker(deps: Omit<BatchWorkerDeps, 'stopping'>): BatchWorker {
  const stopping = new AbortController()
  let wake = new AbortController()
  const nudge = () => wake.abort()
  const stopListening = deps.listener.on('trainyard_work', nudge)
  const work = { ...deps, stopping: stopping.signal }
  const running = (async () => {
    while (!stopping.signal.aborted) {
      wake = new AbortController()
      if (await takeOne(work)) continue
      const signal = AbortSignal.any([wake.signal, stopping.signal])
      await delay(LOOK_MS, undefined, { signal }).catch(() => {})
    }
  })()
  return {
    async close() {
      stopping.abort()
      stopListening()
      await running
    },
  }
}

/** @returns false when there was none to be had, or the database is away */
async function takeOne(deps: BatchWorkerDeps): Promise<boolean> {
  try {
    const row = await claimBatch(deps.db, deps)
    if (!row) return false
    await processBatch(deps, row)
    return true
  } catch (error) {
    deps.logger.warn({ err: error }, 'a batch prediction could not be worked on; its lease runs out')
    return false
  }
}
