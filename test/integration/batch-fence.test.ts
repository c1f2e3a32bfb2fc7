import { expect, it } from 'vitest'
import {
  type BatchFence,
  cancelBatch,
  claimBatch,
  failBatch,
  interruptBatch,
  listChunks,
  recordChunk,
  renewBatchLease,
  succeedBatch,
} from '../../src/batch-predictions/attempt-repository.ts'
import { endExpiredBatches } from '../../src/batch-predictions/end-expired-batches.ts'
import { getBatchRow, insertBatch, requestBatchCancel } from '../../src/batch-predictions/repository.ts'
import type { Database } from '../../src/db/client.ts'
import { newId } from '../../src/ids.ts'
import { findReferencedBlobs } from '../../src/storage/repository.ts'
import { createTestDatabase } from '../helpers/database.ts'
import { openTestDatabase } from '../helpers/job-rows.ts'
import { releaseAfterFile } from '../helpers/release.ts'

const release = releaseAfterFile()
const opened = createTestDatabase(release).then(url => openTestDatabase(url, release))

const hashOf = (letter: string) => letter.repeat(64)
const [FEATURES, MODEL, CHUNK, OUTPUT] = ['a', 'b', 'c', 'd'].map(hashOf) as [string, string, string, string]
const RESULT = { output: { sha256: OUTPUT, bytes: 9 }, evaluation: { loss: 1 }, rowsFailed: 2 }

async function queue(db: Database): Promise<string> {
  const id = newId('batch')
  await insertBatch(db, {
    id,
    modelName: 'none',
    modelVersion: 1,
    modelFiles: { 'model.json': MODEL },
    datasetId: null,
    split: null,
    output: 'csv',
    input: {
      rows: 20,
      dtype: 'float64',
      width: 1,
      features: FEATURES,
      columns: null,
      labels: null,
      failures: null,
    },
    warnings: [],
    chunkRows: 10,
    apiKeyId: null,
  })
  return id
}

async function claim(db: Database, leaseSeconds = 30): Promise<BatchFence> {
  const row = await claimBatch(db, { workerId: 'worker_1', leaseSeconds })
  if (!row) throw new Error('a batch prediction must wait')
  return { batchId: row.id, attempt: row.attempt }
}

/** Its worker has been silent for long. */
const loseWorker = (db: Database, { batchId }: BatchFence) =>
  db.$executeRaw`UPDATE batch_predictions SET lease_until = now() - interval '1 hour' WHERE id = ${batchId}`

it('a worker that was taken for dead writes nothing more, and its chunks count once', async () => {
  const db = await opened
  const id = await queue(db)
  const first = await claim(db)
  expect(await claimBatch(db, { workerId: 'worker_2', leaseSeconds: 30 })).toBeNull()
  expect(await recordChunk(db, first, { index: 0, sha256: CHUNK, rows: 10 })).toBe(true)
  expect(await recordChunk(db, first, { index: 0, sha256: CHUNK, rows: 10 })).toBe(true)
  await endExpiredBatches(db)
  expect(await renewBatchLease(db, first, 30)).toMatchObject({ fenced: false })
  await loseWorker(db, first)
  await endExpiredBatches(db)
  expect(await getBatchRow(db, id)).toMatchObject({ status: 'queued', rowsDone: 10, workersLost: 1 })
  const second = await claim(db)
  expect(second).toEqual({ batchId: id, attempt: 2 })
  expect(await renewBatchLease(db, first, 30)).toEqual({ fenced: true })
  const late = [
    recordChunk(db, first, { index: 1, sha256: CHUNK, rows: 10 }),
    succeedBatch(db, first, RESULT),
    failBatch(db, first, { code: 'BATCH_FAILED', message: 'late' }),
    cancelBatch(db, first),
    interruptBatch(db, first, 'shutdown', { code: 'WORKER_LOST', message: 'late' }),
  ]
  expect(await Promise.all(late)).toEqual([false, false, false, false, false])
  expect(await listChunks(db, id)).toEqual(new Map([[0, CHUNK]]))
  expect([...(await findReferencedBlobs(db))].sort()).toEqual([FEATURES, MODEL, CHUNK])
  expect(await recordChunk(db, second, { index: 1, sha256: CHUNK, rows: 10 })).toBe(true)
  expect(await succeedBatch(db, second, RESULT)).toBe(true)
  expect(await getBatchRow(db, id)).toMatchObject({
    status: 'succeeded',
    rowsDone: 20,
    workersLost: 0,
    rowsFailed: 2,
  })
  expect([...(await findReferencedBlobs(db))]).toEqual([OUTPUT])
})

it('an accepted cancel wins over every other end, also when the worker is lost', async () => {
  const db = await opened
  const id = await queue(db)
  const fence = await claim(db)
  expect(await cancelBatch(db, fence)).toBe(false)
  expect(await requestBatchCancel(db, id)).toBe('requested')
  expect(await requestBatchCancel(db, id)).toBe('refused')
  expect(await succeedBatch(db, fence, RESULT)).toBe(false)
  expect(await failBatch(db, fence, { code: 'BATCH_FAILED', message: 'late' })).toBe(false)
  await loseWorker(db, fence)
  await endExpiredBatches(db)
  expect((await getBatchRow(db, id)).status).toBe('cancelled')
  const waiting = await queue(db)
  expect(await requestBatchCancel(db, waiting)).toBe('done')
  expect(await claimBatch(db, { workerId: 'worker_1', leaseSeconds: 30 })).toBeNull()
})

it('one whose process crashes again and again is given up, and waits longer each time', async () => {
  const db = await opened
  const id = await queue(db)
  const failure = { code: 'WORKER_CRASHED', message: 'crashed' } as const
  for (const crashes of [1, 2]) {
    expect(await interruptBatch(db, await claim(db), 'trainer-crashed', failure)).toBe(true)
    const row = await getBatchRow(db, id)
    expect([row.status, row.crashes, Number(row.notBefore) > Date.now()]).toEqual(['queued', crashes, true])
    expect(await claimBatch(db, { workerId: 'worker_1', leaseSeconds: 30 })).toBeNull()
    await db.$executeRaw`UPDATE batch_predictions SET not_before = NULL WHERE id = ${id}`
  }
  expect(await interruptBatch(db, await claim(db), 'trainer-crashed', failure)).toBe(true)
  expect(await getBatchRow(db, id)).toMatchObject({ status: 'failed', error: failure })
})
