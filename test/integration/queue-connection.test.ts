import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { openTrainingQueue } from '../../src/queue/training-queue.ts'
import { createTestDatabase } from '../helpers/database.ts'
import { openSeverableRoute } from '../helpers/severable.ts'

/** Turns of the event loop after which the connections break: from before the queue's first query to after its last. */
const TURNS = Array.from({ length: 150 }, (_, index) => index * 20)

it('connections of the queue that break at any moment are errors of its calls, and nothing is thrown', {
  timeout: 60_000,
}, async () => {
  const databaseUrl = await createTestDatabase()
  const thrown: unknown[] = []
  const note = (error: unknown) => thrown.push(error)
  process.on('uncaughtException', note)
  let failures = 0
  try {
    for (const turns of TURNS) {
      const route = await openSeverableRoute(databaseUrl)
      const queue = await openTrainingQueue({ databaseUrl: route.url, redisUrl: null }, () => {})
      const checked = queue.check().catch(() => failures++)
      for (let turn = 0; turn < turns; turn++) await nextTurn()
      route.cut()
      await checked
      await queue.close().catch(() => {})
      await route.close()
    }
  } finally {
    process.off('uncaughtException', note)
  }
  expect(thrown).toEqual([])
  expect(failures).toBeGreaterThan(0)
})
