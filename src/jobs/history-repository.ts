import type { Db } from '../db/client.ts'
import { TERMINAL_STATUSES } from './lifecycle.ts'
import type { KeptCheckpoint } from './schemas.ts'

/** The checkpoints that are kept of a job, the newest first. */
export async function listKeptCheckpoints(db: Db, jobId: string): Promise<KeptCheckpoint[]> {
  const rows = await db.checkpoint.findMany({ where: { jobId }, orderBy: { step: 'desc' } })
  return rows.map(({ step, epoch, sha256, bytes, createdAt }) => ({
    step,
    epoch,
    sha256,
    bytes: Number(bytes),
    createdAt: createdAt.toISOString(),
  }))
}

/**
 * Removes a job that has ended, with its epochs, events and checkpoints. The model version that it made stays.
 * @returns false when it has not ended, or there is none
 */
export async function deleteEndedJob(db: Db, id: string): Promise<boolean> {
  const { count } = await db.job.deleteMany({
    where: { id, status: { in: [...TERMINAL_STATUSES] } },
  })
  return count > 0
}

/** Events that one statement deletes at most, so that none takes long. */
const EVENTS_AT_ONCE = 10_000

/**
 * Deletes the events of jobs that ended long ago, but for the last of each, at which its stream ends.
 * @returns how many
 */
export async function deleteOldEvents(db: Db, retentionDays: number): Promise<number> {
  for (let deleted = 0; ; ) {
    const count = await db.$executeRaw`
      DELETE FROM job_events WHERE (job_id, id) IN (
        SELECT job_events.job_id, job_events.id FROM job_events JOIN jobs ON jobs.id = job_events.job_id
        WHERE jobs.finished_at < now() - make_interval(days => ${retentionDays}) AND job_events.id < jobs.event_seq
        LIMIT ${EVENTS_AT_ONCE})`
    deleted += count
    if (count < EVENTS_AT_ONCE) return deleted
  }
}
