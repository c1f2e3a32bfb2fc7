import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'

/** Mean delay of the event loop over a second from which new requests are refused; a busy service has a few ms. */
const EVENT_LOOP_DELAY_MS_MAX = 500

/**
 * Refuses what comes to the routes of this plugin, with 503 and `Retry-After`, while the process cannot keep up. Other
 * routes, health among them, go on.
 */
export async function registerBackPressure(app: FastifyInstance): Promise<void> {
  await app.register(underPressure, {
    maxEventLoopDelay: EVENT_LOOP_DELAY_MS_MAX,
    message: 'requests must wait: the process is late by more than it should be',
  })
}
