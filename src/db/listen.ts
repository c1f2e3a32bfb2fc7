import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from '../logger.ts'

/**
 * What Postgres is asked to tell: a job or a batch prediction changed (payload: its id), there may be work to hand out (no payload), a model,
 * one of its versions or aliases changed (the model's name), an API key changed (its hash).
 */
export type Channel = (typeof CHANNELS)[number]

/** A subscription to Postgres notifications that outlives lost connections. */
export interface Listener {
  /** Calls `handler` with each payload; null says that notifications may have been missed. Returns the way out. */
  on(channel: Channel, handler: (payload: string | null) => void): () => void
  /** Whether notifications arrive now, as far as can be known. */
  isListening(): boolean
  close(): Promise<void>
}

const CHANNELS = ['trainyard_job', 'trainyard_work', 'trainyard_model', 'trainyard_key'] as const
const RECONNECT_MS = 1_000

/**
 * Listens on its own connection, for a pooled one would lose its subscriptions. Notifications only wake: whoever
 * is woken reads the rows, so a missed one costs time, never truth. After every (re)connection all handlers are
 * called with null.
 */
export function createListener(databaseUrl: string, logger: Logger): Listener {
  const handlers = new Map<Channel, Set<(payload: string | null) => void>>(
    CHANNELS.map(name => [name, new Set()]),
  )
  const closing = new AbortController()
  let client: pg.Client | null = null
  let isListening = false

  const emit = (channel: string, payload: string | null) => {
    for (const handler of handlers.get(channel as Channel) ?? []) handler(payload)
  }

  const connectOnce = async (): Promise<void> => {
    const next = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: 2_000,
      keepAlive: true,
    })
    const ended = new Promise<void>(resolve => {
      next.once('end', resolve)
      next.on('error', error => {
        logger.debug({ err: error }, 'listening connection lost')
        resolve()
      })
    })
    next.on('notification', ({ channel, payload }) => emit(channel, payload ?? ''))
    try {
      await next.connect()
      client = next
      for (const channel of CHANNELS) await next.query(`LISTEN ${channel}`)
      isListening = true
      for (const channel of CHANNELS) emit(channel, null)
      if (!closing.signal.aborted) await ended
    } finally {
      client = null
      isListening = false
      await next.end().catch(error => logger.debug({ err: error }, 'listening connection did not close'))
    }
  }

  const keepConnected = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await connectOnce().catch(error => logger.debug({ err: error }, 'cannot listen to the database'))
      await delay(RECONNECT_MS, undefined, { signal: closing.signal }).catch(() => {})
    }
  }
  const running = keepConnected()

  return {
    on(channel, handler) {
      const set = handlers.get(channel)
      set?.add(handler)
      return () => set?.delete(handler)
    },
    isListening: () => isListening,
    async close() {
      closing.abort()
      await client?.end()
      await running
    },
  }
}
