import { setTimeout as delay } from 'node:timers/promises'
import { withAdvisoryLock } from '../db/advisory-lock.ts'
import type { Database } from '../db/client.ts'
import { deleteOldAnswers } from '../http/idempotency/repository.ts'
import { deleteExpiredTokens } from '../http/key-repository.ts'
import { deleteOldEvents } from '../jobs/history-repository.ts'
import type { Logger } from '../logger.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { createGarbageCollector, type GarbageCollector } from '../storage/collect-garbage.ts'
import { deleteExpiredUploads } from '../uploads/repository.ts'

/** What collecting works with. */
export interface RetentionDeps {
  db: Database
  databaseUrl: string
  blobs: BlobStore
  logger: Logger
}

/** How long things are kept that nothing needs. */
export interface Retention {
  /** Between two collections. */
  collectionSeconds: number
  /** Of files that no row names; more than a lease. */
  garbageSeconds: number
  /** Of the events of jobs that ended. */
  eventRetentionDays: number
}

/** How much was deleted. */
export interface Collected {
  blobs: number
  events: number
  answers: number
  tokens: number
  uploads: number
}

/**
 * Collects what nothing needs any more, again and again until it is closed: one process of the deployment at a time,
 * under a lock that a backup holds too.
 */
export function startRetention(deps: RetentionDeps, retention: Retention): { close(): Promise<void> } {
  const { db, databaseUrl, blobs, logger } = deps
  const garbage = createGarbageCollector({ db, blobs, graceMs: retention.garbageSeconds * 1_000 })
  const collectInTurn = async () => {
    try {
      const collected = await withAdvisoryLock(databaseUrl, 'trainyard_collection', { wait: false }, () =>
        collect(db, garbage, retention, Date.now()),
      )
      if (collected && Object.values(collected).some(count => count > 0)) {
        logger.info(collected, 'garbage collected')
      }
    } catch (error) {
      logger.warn({ err: error }, 'garbage could not be collected; trying again later')
    }
  }
  const closing = new AbortController()
  const { signal } = closing
  const running = (async () => {
    while (!signal.aborted) {
      await delay(retention.collectionSeconds * 1_000, undefined, { signal }).catch(() => {})
      if (!signal.aborted) await collectInTurn()
    }
  })()
  return {
    async close() {
      closing.abort()
      await running
    },
  }
}

/** One collection of everything. */
export async function collect(
  db: Database,
  garbage: GarbageCollector,
  { eventRetentionDays }: Pick<Retention, 'eventRetentionDays'>,
  nowMs: number,
): Promise<Collected> {
  return {
    events: await deleteOldEvents(db, eventRetentionDays),
    answers: await deleteOldAnswers(db),
    tokens: await deleteExpiredTokens(db),
    uploads: await deleteExpiredUploads(db),
    blobs: await garbage.collect(nowMs),
  }
}
