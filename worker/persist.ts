import { setTimeout as delay } from 'node:timers/promises'
import { isDatabaseAway } from '../src/db/away.ts'
import type { Logger } from '../src/logger.ts'

const RETRY_MS = 1_000

/**
 * Writes something that must not be lost: tries again while the database is away. The fence in each write makes
 * a late one harmless.
 */
export async function persist(logger: Logger, write: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await write()
    } catch (error) {
      if (!isDatabaseAway(error)) throw error
      logger.warn({ err: error }, 'the database is away; the end of the attempt waits')
      await delay(RETRY_MS)
    }
  }
}
