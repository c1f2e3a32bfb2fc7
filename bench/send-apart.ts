import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Load, LoadResult } from './load.ts'

/** Sends a load from a thread of its own, so that its large bodies do not hold up who takes the times of others. */
export async function sendApart(load: Load): Promise<LoadResult> {
  const thread = new Worker(new URL(`./load-thread${import.meta.url.slice(-3)}`, import.meta.url), {
    workerData: load,
  })
  const [result] = (await once(thread, 'message')) as [LoadResult]
  return result
}
