import { expect, it, onTestFinished } from 'vitest'
import { createListener } from '../../src/db/listen.ts'
import { createLogger } from '../../src/logger.ts'
import { insertVersion } from '../../src/models/repository.ts'
import { createVersionCache } from '../../src/models/version-cache.ts'
import { createTestDatabase } from '../helpers/database.ts'
import { addDataset, addJob, openTestDatabase, trainerEnds } from '../helpers/job-rows.ts'
import { until } from '../helpers/until.ts'

it('a change of a model makes ready what has other files than before, and nothing else', async () => {
  const url = await createTestDatabase()
  const db = openTestDatabase(url, onTestFinished)
  const listener = createListener(url, createLogger({ name: 'test', level: 'silent', pretty: false }))
  onTestFinished(() => listener.close())
  await until(() => listener.isListening(), { what: 'a listening connection' })
  const prepared: number[] = []
  const versions = createVersionCache(db, listener, {
    prepare: async ({ version }) => void prepared.push(version),
    onError: error => {
      throw error
    },
  })
  const datasetId = await addDataset(db)
  const addVersion = async (digit: string) => {
    const { artifact, description } = trainerEnds(await addJob(db, datasetId), datasetId).finished
    await db.$transaction(tx =>
      insertVersion(
        tx,
        'none',
        { ...artifact, sha256: digit.repeat(64) },
        { ...description, classes: ['0', '1'] },
      ),
    )
  }
  for (const digit of ['1', '2', '3']) await addVersion(digit)
  for (const version of [1, 2, 3]) await versions.resolve('none', { version })
  expect((await versions.resolve('none', {})).version).toBe(3)
  await db.$executeRaw`UPDATE model_versions SET description = 'the second' WHERE version = 2`
  await versions.renew('none')
  expect((await versions.resolve('none', { version: 2 })).description).toBe('the second')
  expect(prepared).toEqual([])
  await addVersion('4')
  await versions.renew('none')
  expect((await versions.resolve('none', {})).version).toBe(4)
  expect(prepared).toEqual([4])
})
