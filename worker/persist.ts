import { setTimeout as delay } from 'node:timers/promises'
import { isTransient } from '../src/db/away.ts'
import type { Logger } from '../src/logger.ts'

const RETRY_MS = 1_000

/**
 * Does something in the database that must not be lost: again while Postgres is away, and after a deadlock or a
 * timeout. The fence in each write makes a late one harmless.
 * @throws what the database refused for good
 */
export async function persist<Result>(logger: Logger, write: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await write()
    } catch (error) {
      if (!isTransient(error)) throw error
      logger.warn({ err: error }, 'the database is away or busy; trying again')
      await delay(RETRY_MS)
    }
  }
}
