import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Config, requireDatabaseUrl } from './config.ts'
import { isDatabaseAway } from './db/away.ts'
import { createDatabase, type Database } from './db/client.ts'
import { createListener, type Listener } from './db/listen.ts'
import { migrate } from './db/migrate.ts'
import type { Logger } from './logger.ts'
import { startDispatcher } from './queue/dispatcher.ts'
import { openTrainingQueue, type TrainingQueue } from './queue/training-queue.ts'
import type { BlobStore } from './storage/blob-store.ts'
import { openBlobStore } from './storage/open-blob-store.ts'

/** What every process of the service works with. */
export interface Deps {
  config: Config
  logger: Logger
  db: Database
  listener: Listener
  blobs: BlobStore
  /** Releases everything, the last opened first. */
  close(): Promise<void>
}

/** A request waits for its answer meanwhile: about a second. */
const STORAGE_ATTEMPTS = 3

/** Opens what a process works with. Nothing is reached yet: the servers may be away. */
export async function openDeps(config: Config, logger: Logger, poolSize: number): Promise<Deps> {
  const url = requireDatabaseUrl(config)
  const db = createDatabase({
    url,
    poolSize,
    onError: err => logger.debug({ err }, 'database connection lost'),
  })
  const listener = createListener(url, logger)
  return {
    config,
    logger,
    db,
    listener,
    blobs: await openBlobStore(config.storage, { attempts: STORAGE_ATTEMPTS, isCached: false }),
    async close() {
      await listener.close()
      await db.$disconnect()
    },
  }
}

/** A process's part in handing out work. */
export interface Connection {
  queue: TrainingQueue
  close(): Promise<void>
}

const RETRY_MS = 1_000

/**
 * Reaches the servers, however long that takes: applies migrations, opens the queue, starts handing out work.
 * @param prepare - what else needs the database before work begins
 * @returns null when `signal` aborted first
 */
export async function connect(
  deps: Deps,
  signal: AbortSignal,
  prepare: () => Promise<void>,
): Promise<Connection | null> {
  while (!signal.aborted) {
    try {
      return await connectOnce(deps, prepare)
    } catch (error) {
      if (!isDatabaseAway(error)) throw error
      deps.logger.warn({ err: error }, 'the database is away; trying again')
      await delay(RETRY_MS, undefined, { signal }).catch(() => {})
    }
  }
  return null
}

async function connectOnce(deps: Deps, prepare: () => Promise<void>): Promise<Connection> {
  const { config, logger } = deps
  const databaseUrl = requireDatabaseUrl(config)
  const applied = await migrate(databaseUrl, locateMigrations())
  if (applied.length > 0) logger.info({ migrations: applied }, 'database migrated')
  await prepare()
  const queue = await openTrainingQueue({ databaseUrl, redisUrl: config.redisUrl }, error =>
    logger.debug({ err: error }, 'queue connection trouble'),
  )
  const dispatcher = startDispatcher({ ...deps, queue })
  return {
    queue,
    async close() {
      await dispatcher.close()
      await queue.close()
    },
  }
}

/** `prisma/migrations` of the package, seen from `src/` and from `dist/src/`. */
export function locateMigrations(): string {
  const isCompiled = import.meta.url.endsWith('.js')
  return fileURLToPath(
    new URL(isCompiled ? '../../prisma/migrations' : '../prisma/migrations', import.meta.url),
  )
}
