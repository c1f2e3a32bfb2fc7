import { expect, it, onTestFinished } from 'vitest'
import { isDatabaseAway, isTransient } from '../../src/db/away.ts'
import type { Db } from '../../src/db/client.ts'
import { createTestDatabase } from '../helpers/database.ts'
import { addDataset, addJob, openTestDatabase } from '../helpers/job-rows.ts'

const catchError = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    error => error,
  )

async function setUp() {
  const db = openTestDatabase(await createTestDatabase(), onTestFinished)
  const datasetId = await addDataset(db)
  return { db, first: await addJob(db, datasetId), second: await addJob(db, datasetId) }
}

it('a deadlock is worth another try, by raw and by typed statements', { timeout: 30_000 }, async () => {
  const { db, first, second } = await setUp()
  const raw = (tx: Db, id: string) => tx.$executeRaw`UPDATE jobs SET step = step WHERE id = ${id}`
  const typed = (tx: Db, id: string) => tx.job.update({ where: { id }, data: { priority: 1 } })
  let entered = 0
  let enter = () => {}
  const bothEntered = new Promise<void>(resolve => {
    enter = () => {
      if (++entered === 2) resolve()
    }
  })
  const cross = (change: (tx: Db, id: string) => Promise<unknown>, from: string, to: string) =>
    db.$transaction(async tx => {
      await change(tx, from)
      enter()
      await bothEntered
      await change(tx, to)
    })
  const errors = await Promise.all([
    catchError(cross(raw, first, second)),
    catchError(cross(typed, second, first)),
  ])
  const losers = errors.filter(error => error !== null)
  expect(losers).toHaveLength(1)
  expect(isTransient(losers[0]), String(losers[0])).toBe(true)
  expect(isDatabaseAway(losers[0])).toBe(false)
})

it('a statement that was cut off and a conflict of serializable transactions are, too', async () => {
  const { db, first } = await setUp()
  const cutOff = await catchError(
    db.$transaction(async tx => {
      await tx.$executeRaw`SET LOCAL statement_timeout = 20`
      await tx.$queryRaw`SELECT pg_sleep(5)::text`
    }),
  )
  expect(isTransient(cutOff), String(cutOff)).toBe(true)
  const conflict = await catchError(
    db.$transaction(
      async tx => {
        await tx.job.findMany()
        await db.$executeRaw`UPDATE jobs SET priority = 5 WHERE id = ${first}`
        await tx.job.update({ where: { id: first }, data: { priority: 6 } })
      },
      { isolationLevel: 'RepeatableRead' },
    ),
  )
  expect(isTransient(conflict), String(conflict)).toBe(true)
})

it('a row that a constraint refuses is not', async () => {
  const { db, first } = await setUp()
  const refused = await catchError(db.$executeRaw`UPDATE jobs SET status = 'running' WHERE id = ${first}`)
  expect(refused).toBeInstanceOf(Error)
  expect(isTransient(refused)).toBe(false)
})
