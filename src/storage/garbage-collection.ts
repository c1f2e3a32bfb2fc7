import type { Database } from '../db/client.ts'
import type { Logger } from '../logger.ts'
import type { BlobStore } from './blob-store.ts'
import { collectGarbage } from './collect-garbage.ts'

const INTERVAL_MS = 900_000

/** Collects garbage every quarter of an hour, until it is closed. */
export function startGarbageCollection(deps: { db: Database; blobs: BlobStore; logger: Logger }) {
  const { db, blobs, logger } = deps
  let running: Promise<void> = Promise.resolve()
  const collect = async () => {
    try {
      const deleted = await collectGarbage(db, blobs, Date.now())
      if (deleted > 0) logger.info({ deleted }, 'blobs collected')
    } catch (error) {
      logger.warn({ err: error }, 'blobs could not be collected; trying again later')
    }
  }
  const timer = setInterval(() => {
    running = running.then(collect)
  }, INTERVAL_MS)
  return {
    async close(): Promise<void> {
      clearInterval(timer)
      await running
    },
  }
}
