import os from 'node:os'
import { newId } from '../src/ids.ts'
import { announceWork } from '../src/jobs/state-repository.ts'
import { removeWorker, saveWorker } from '../src/queue/repository.ts'
import type { TrainingQueue } from '../src/queue/training-queue.ts'
import { startBatchWorker } from './batch-worker.ts'
import { HEARTBEAT_MS } from './lease.ts'
import { processTrainingJob, type WorkerDeps } from './process-training-job.ts'

/** A worker that takes jobs until it is closed. */
export interface TrainingWorker {
  /** Hands its jobs over and leaves the list. */
  close(): Promise<void>
}

/** What a training worker works with, but for what it makes itself. */
export type TrainingWorkerDeps = Omit<WorkerDeps, 'workerId' | 'stopping'> & {
  queue: TrainingQueue
  slots: number
}

/** Announces the worker, keeps it announced, trains what the queue wakes it for, and predicts batches. */
export async function startTrainingWorker(deps: TrainingWorkerDeps): Promise<TrainingWorker> {
  const stopping = new AbortController()
  const workerId = newId('worker')
  const { engine, device, slots } = deps
  const self = { engine, device, slots, id: workerId, hostname: os.hostname(), pid: process.pid }
  await saveWorker(deps.db, self)
  await announceWork(deps.db)
  const heartbeat = setInterval(async () => {
    await saveWorker(deps.db, self).catch(error => deps.logger.debug({ err: error }, 'heartbeat not written'))
  }, HEARTBEAT_MS)
  const work = { ...deps, workerId, stopping: stopping.signal }
  const consumer = deps.queue.consume(jobId => processTrainingJob(work, jobId), slots)
  const batches = startBatchWorker({ ...deps, workerId })
  return {
    async close() {
      stopping.abort()
      clearInterval(heartbeat)
      await removeWorker(deps.db, workerId).catch(error =>
        deps.logger.debug({ err: error }, 'worker stays listed'),
      )
      await Promise.all([consumer.close(), batches.close()])
    },
  }
}
