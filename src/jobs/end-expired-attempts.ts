import type { Database } from '../db/client.ts'
import { cancelJob, findLostAttempts, interruptJob, type JobError, pauseJob } from './ending-repository.ts'
import { WORKERS_LOST_MAX } from './lifecycle.ts'

const GIVEN_UP: JobError = {
  code: 'WORKER_LOST',
  message:
    `${WORKERS_LOST_MAX} workers in a row were lost while they trained this job, without a new checkpoint between. ` +
    'See why the workers end (memory of the machine, network), then retry the job: it goes on from its last checkpoint',
  param: null,
  logTail: [],
}

/**
 * Ends the attempts of workers that were lost: their jobs wait again and resume from their checkpoints, those whose
 * cancel or pause was asked for get it, and a job that loses every worker that takes it is given up.
 * @returns how many attempts were ended
 */
export async function endExpiredAttempts(db: Database): Promise<number> {
  let ended = 0
  for (const fence of await findLostAttempts(db)) {
    // Whoever wants the job's end or pause is obeyed; the worker that would have done it is gone.
    const isEnded =
      (await interruptJob(db, fence, 'worker-lost', GIVEN_UP)) !== 'refused' ||
      (await cancelJob(db, fence, 'finder')) ||
      (await pauseJob(db, fence, 'finder'))
    if (isEnded) ended++
  }
  return ended
}
