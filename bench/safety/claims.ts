import pino from 'pino'
import { createDatabase } from '../../src/db/client.ts'
import { createListener } from '../../src/db/listen.ts'
import { claimJob } from '../../src/jobs/attempt-repository.ts'
import { failJob } from '../../src/jobs/ending-repository.ts'
import { startDispatcher } from '../../src/queue/dispatcher.ts'
import { saveWorker } from '../../src/queue/repository.ts'
import { openTrainingQueue } from '../../src/queue/training-queue.ts'

/** How fast a worker process takes jobs. */
export interface Claims {
  waiting: number
  claimed: number
  perSecond: number
}

const SLOTS = 16
const POOL_SIZE = 10
const ERROR = {
  code: 'TRAINER_FAILED',
  message: 'nobody trains in this bench',
  param: null,
  logTail: [],
} as const

/**
 * A worker's way to its jobs without the training: the relay wakes it through the queue, it claims, and ends the job at once, so
 * that the slot is free for the next.
 * @param waiting - jobs in the line, for the report
 */
export async function measureClaims(databaseUrl: string, waiting: number, seconds: number): Promise<Claims> {
  const logger = pino({ level: 'silent' })
  const db = createDatabase({ url: databaseUrl, poolSize: POOL_SIZE, onError: () => {} })
  const listener = createListener(databaseUrl, logger)
  const queue = await openTrainingQueue({ databaseUrl, redisUrl: null }, () => {})
  const worker = {
    id: 'worker_bench',
    hostname: 'bench',
    pid: process.pid,
    engine: 'portable',
    device: 'cpu',
    slots: SLOTS,
  }
  await saveWorker(db, worker)
  const heartbeat = setInterval(() => void saveWorker(db, worker), 2_000)
  let claimed = 0
  const consumer = queue.consume(async jobId => {
    const job = await claimJob(db, {
      jobId,
      workerId: worker.id,
      leaseSeconds: 30,
      engine: 'portable',
      device: 'cpu',
    })
    if (!job) return
    claimed++
    await failJob(db, { jobId, attempt: job.attempt }, { ...ERROR, logTail: [] })
  }, SLOTS)
  const dispatcher = startDispatcher({ db, queue, listener, logger })
  const startedMs = performance.now()
  await new Promise(resolve => setTimeout(resolve, seconds * 1_000))
  const perSecond = claimed / ((performance.now() - startedMs) / 1_000)
  clearInterval(heartbeat)
  await dispatcher.close()
  await consumer.close()
  await queue.close()
  await listener.close()
  await db.$disconnect()
  return { waiting, claimed, perSecond }
}
