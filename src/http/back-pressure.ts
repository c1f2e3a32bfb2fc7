import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import { AppError } from '../errors.ts'

/** Mean delay of the event loop over a second from which new requests are refused; a busy service has a few ms. */
const EVENT_LOOP_DELAY_MS_MAX = 500

/** A process that has just started is late from loading its own code, which says nothing of what it can bear. */
const WARM_UP_SECONDS = 15

/**
 * Refuses what comes to the routes of this plugin, with 503 and `Retry-After`, while the process cannot keep up. Other
 * routes, health among them, go on.
 */
export async function registerBackPressure(app: FastifyInstance): Promise<void> {
  await app.register(underPressure, {
    maxEventLoopDelay: EVENT_LOOP_DELAY_MS_MAX,
    pressureHandler: async () => {
      if (process.uptime() < WARM_UP_SECONDS) return
      const detail = 'the process must keep up with what it is asked; it is late by more than half a second'
      throw new AppError('OVERLOADED', detail)
    },
  })
}
