import { setTimeout as delay } from 'node:timers/promises'
import { createPostgresBackend, type Processor, Queue, runMigrations, Worker, withBackend } from 'bullmq'
import { Redis } from 'ioredis'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { CalmClient } from '../db/calm-client.ts'
import { withConnection } from '../db/with-connection.ts'

/** Where the queue lives. */
export interface QueueLocation {
  databaseUrl: string
  /** Null: in Postgres. */
  redisUrl: string | null
}

/**
 * The line between those who hand out work and the workers. It carries wake-ups only: losing one, or sending one
 * twice, costs time and nothing else, for the job's row decides.
 */
export interface TrainingQueue {
  /**
   * Wakes one worker for a job.
   * @param name - equal names are one wake-up; no `:` in it
   */
  wake(jobId: string, name: string): Promise<void>
  /**
   * Calls `handle` for each wake-up, `concurrency` at once.
   * @param handle - resolves when the slot is free again; it must not throw
   */
  consume(handle: (jobId: string) => Promise<void>, concurrency: number): QueueConsumer
  /** Throws when the server does not answer. */
  check(): Promise<void>
  close(): Promise<void>
}

/** The receiving end of a process. */
export interface QueueConsumer {
  /** Takes no more, and resolves when the running handlers are done. */
  close(): Promise<void>
}

const WakeUpSchema = Type.Object({ jobId: Type.String() })
type WakeUp = Type.Static<typeof WakeUpSchema>

const QUEUE_NAME = 'training'
const SCHEMA = 'bullmq'
const PATIENCE_MS = 2_000

/** Nothing is kept of what is done: what happened to a job stands in its events. */
const WAKE_OPTIONS = { removeOnComplete: true, removeOnFail: true }

/** Attempts are counted in the row; BullMQ must never give a job up by itself. */
const WORKER_OPTIONS = { lockDuration: 60_000, stalledInterval: 30_000, maxStalledCount: 1_000_000 }

/** Opens BullMQ on Redis, or on its PostgreSQL backend, whose tables it brings up to date. */
export function openTrainingQueue(
  location: QueueLocation,
  onError: (error: Error) => void,
): Promise<TrainingQueue> {
  return location.redisUrl === null
    ? openInPostgres(location.databaseUrl, onError)
    : openOnRedis(location.redisUrl, onError)
}

async function openInPostgres(databaseUrl: string, onError: (error: Error) => void): Promise<TrainingQueue> {
  await withConnection(databaseUrl, client => runMigrations(client, SCHEMA))
  const OnPostgres = withBackend(createPostgresBackend)
  const connection = {
    ...{ connectionString: databaseUrl, schema: SCHEMA, max: 4, connectionTimeoutMillis: 2_000 },
    Client: CalmClient,
  }
  const queue = new OnPostgres.Queue<WakeUp>(QUEUE_NAME, { connection })
  queue.on('error', onError)
  return {
    wake: (jobId, name) => withinPatience(queue.add('wake', { jobId }, { jobId: name, ...WAKE_OPTIONS })),
    consume: (handle, concurrency) => {
      const options = { connection, concurrency, ...WORKER_OPTIONS }
      const worker = new OnPostgres.Worker<WakeUp>(QUEUE_NAME, toProcessor(handle), options)
      worker.on('error', onError)
      return worker
    },
    check: async () => void (await queue.getJobCountByTypes('waiting')),
    close: () => queue.close(),
  }
}

/**
 * The producer fails fast, because the relay tries again by itself; the consumer waits for a lost server as long
 * as it takes.
 */
async function openOnRedis(redisUrl: string, onError: (error: Error) => void): Promise<TrainingQueue> {
  const producer = new Redis(redisUrl, { maxRetriesPerRequest: 1, connectTimeout: 2_000 })
  const consumer = new Redis(redisUrl, { maxRetriesPerRequest: null })
  producer.on('error', onError)
  consumer.on('error', onError)
  const queue = new Queue<WakeUp>(QUEUE_NAME, { connection: producer, skipWaitingForReady: true })
  queue.on('error', onError)
  return {
    wake: (jobId, name) => withinPatience(queue.add('wake', { jobId }, { jobId: name, ...WAKE_OPTIONS })),
    consume: (handle, concurrency) => {
      const options = { connection: consumer, concurrency, ...WORKER_OPTIONS }
      const worker = new Worker<WakeUp>(QUEUE_NAME, toProcessor(handle), options)
      worker.on('error', onError)
      return worker
    },
    check: async () => void (await producer.ping()),
    async close() {
      await queue.close()
      producer.disconnect()
      consumer.disconnect()
    },
  }
}

/** A server that takes a connection and then says nothing must not stop the relay; a late wake-up is harmless. */
async function withinPatience(answer: Promise<unknown>): Promise<void> {
  const patience = new AbortController()
  const late = delay(PATIENCE_MS, null, { signal: patience.signal }).then(() => {
    throw new Error(`the queue did not answer within ${PATIENCE_MS} ms`)
  })
  late.catch(() => {}) // cut short below, or the loser of the race
  try {
    await Promise.race([answer, late])
  } finally {
    patience.abort()
  }
}

function toProcessor(handle: (jobId: string) => Promise<void>): Processor<WakeUp> {
  return async queueJob => {
    if (Value.Check(WakeUpSchema, queueJob.data)) await handle(queueJob.data.jobId)
  }
}
