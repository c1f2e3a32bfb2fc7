import { expect, it, onTestFinished } from 'vitest'
import { isDatabaseAway, isTransient } from '../../src/db/away.ts'
import type { Db } from '../../src/db/client.ts'
import { withConnection } from '../../src/db/with-connection.ts'
import { createTestDatabase } from '../helpers/database.ts'
import { addDataset, addJob, openTestDatabase } from '../helpers/job-rows.ts'
import { openSeverableRoute } from '../helpers/severable.ts'
import { until } from '../helpers/until.ts'

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

it('a connection that ends in a statement or in the commit itself says that the database is away', async () => {
  const { db, first } = await setUp()
  const inStatement = await catchError(
    db.$transaction(tx => tx.$queryRaw`SELECT pg_terminate_backend(pg_backend_pid())`),
  )
  expect(isDatabaseAway(inStatement), String(inStatement)).toBe(true)
  await db.$executeRaw`CREATE FUNCTION end_connection() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'`
  await db.$executeRaw`CREATE CONSTRAINT TRIGGER ends_at_commit AFTER UPDATE ON jobs DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION end_connection()`
  const inCommit = await catchError(
    db.$transaction(tx => tx.$executeRaw`UPDATE jobs SET priority = 5 WHERE id = ${first}`),
  )
  expect(isDatabaseAway(inCommit), String(inCommit)).toBe(true)
})

it('a connection of its own that is lost rejects what runs on it, and nothing else', async () => {
  const { db } = await setUp()
  const lost = await catchError(
    withConnection(await createTestDatabase(), async client => {
      const ended = new Promise(resolve => client.once('end', resolve)) // `events.once` would listen for errors
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      await db.$queryRaw`SELECT pg_terminate_backend(${rows[0]?.pid})`
      await ended
      await client.query('SELECT 1')
    }),
  )
  expect(isDatabaseAway(lost), String(lost)).toBe(true)
})

it('a connection that ends at the moment when it is handed on is an error of who gets it, and nothing is thrown', async () => {
  const databaseUrl = await createTestDatabase()
  const route = await openSeverableRoute(databaseUrl)
  onTestFinished(route.close)
  const other = openTestDatabase(databaseUrl, onTestFinished)
  const db = openTestDatabase(route.url, onTestFinished, 1)
  const [backend] = await db.$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`
  route.hold()
  const first = db.$queryRaw`SELECT 'the first' AS words`.then(rows => rows) // which starts it
  const second = catchError(db.$transaction(tx => tx.$queryRaw`SELECT 'the second' AS words`))
  await until(() => route.held().includes('the first'), { what: 'the first answer' })
  await other.$queryRaw`SELECT pg_terminate_backend(${backend?.pid})`
  await until(() => route.held().includes('terminating connection'), { what: 'the end of the connection' })
  route.letGo()
  expect(await first).toEqual([{ words: 'the first' }])
  const lost = await second
  expect(isDatabaseAway(lost), String(lost)).toBe(true)
})

it('a row that a constraint refuses is not', async () => {
  const { db, first } = await setUp()
  const refused = await catchError(db.$executeRaw`UPDATE jobs SET status = 'running' WHERE id = ${first}`)
  expect(refused).toBeInstanceOf(Error)
  expect(isTransient(refused)).toBe(false)
})
