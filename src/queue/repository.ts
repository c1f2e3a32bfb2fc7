import type { Database, Db } from '../db/client.ts'

/** A worker that has not been heard of for this long is not counted on. */
export const WORKER_SILENCE_SECONDS = 10

/** A wake-up that was not answered for this long is sent again. */
const REDISPATCH_SECONDS = 15

/** A job in the waiting line. */
export interface WaitingJob {
  jobId: string
  /** Unique among all wake-ups ever sent: the queue drops one whose name it still holds, of a lost worker say. */
  wakeUpName: string
}

/**
 * Calls `dispatch` with the jobs at the head of the line that free slots can take, inside a transaction that keeps
 * other relays away. A job that waits after a crash is left out until its time.
 * @returns 0 when another relay is at work, or nothing is to be done
 */
export async function withFreeSlots(
  db: Database,
  dispatch: (tx: Db, waiting: WaitingJob[]) => Promise<number>,
): Promise<number> {
  return db.$transaction(async tx => {
    const [turn] = await tx.$queryRaw<{ mine: boolean }[]>`
      SELECT pg_try_advisory_xact_lock(hashtextextended('trainyard_relay', 0)) AS mine`
    if (!turn?.mine) return 0
    const waiting = await tx.$queryRaw<WaitingJob[]>`
      WITH free AS (
        SELECT (SELECT coalesce(sum(slots), 0) FROM workers WHERE heartbeat_at > now() - make_interval(secs => ${WORKER_SILENCE_SECONDS}))
          - (SELECT count(*) FROM jobs JOIN workers ON workers.id = lease_owner
            WHERE status = 'running' AND heartbeat_at > now() - make_interval(secs => ${WORKER_SILENCE_SECONDS}))
          - (SELECT count(*) FROM outbox WHERE dispatched_at > now() - make_interval(secs => ${REDISPATCH_SECONDS})) AS slots
      )
      SELECT job_id AS "jobId", job_id || '-' || attempt || '-' || dispatches AS "wakeUpName"
      FROM outbox JOIN jobs ON jobs.id = job_id
      WHERE (dispatched_at IS NULL OR dispatched_at <= now() - make_interval(secs => ${REDISPATCH_SECONDS}))
        AND (not_before IS NULL OR not_before <= now())
      ORDER BY outbox.priority, outbox.queued_at, outbox.id
      LIMIT (SELECT greatest(slots, 0) FROM free)
      FOR UPDATE OF outbox SKIP LOCKED`
    return waiting.length === 0 ? 0 : dispatch(tx, waiting)
  })
}

/** Milliseconds until the first of the jobs that wait after a crash may be taken; null when none waits so. */
export async function findNextDueMs(db: Db): Promise<number | null> {
  const [row] = await db.$queryRaw<{ dueMs: number | null }[]>`
    SELECT (1000 * extract(epoch FROM min(not_before) - clock_timestamp()))::float8 AS "dueMs"
    FROM outbox WHERE not_before > now()`
  return row?.dueMs ?? null
}

/** Notes that the queue was told about a job. */
export async function markDispatched(tx: Db, jobId: string): Promise<void> {
  await tx.$executeRaw`UPDATE outbox SET dispatched_at = now(), dispatches = dispatches + 1 WHERE job_id = ${jobId}`
}

/** What `GET /v1/queue` tells. */
export interface QueueState {
  backend: 'postgres' | 'redis'
  waiting: number
  /** How long the job that waits longest has waited; null when none waits. */
  oldestWaitSeconds: number | null
  running: number
  slots: number
}

/** Counts the waiting line, the running jobs and the slots of live workers. */
export async function readQueueState(db: Db, backend: QueueState['backend']): Promise<QueueState> {
  const [counts] = await db.$queryRaw<Omit<QueueState, 'backend'>[]>`
    SELECT (SELECT count(*)::int FROM outbox) AS waiting,
      (SELECT extract(epoch FROM now() - min(queued_at))::float8 FROM outbox) AS "oldestWaitSeconds",
      (SELECT count(*)::int FROM jobs WHERE status = 'running') AS running,
      (SELECT coalesce(sum(slots), 0)::int FROM workers
        WHERE heartbeat_at > now() - make_interval(secs => ${WORKER_SILENCE_SECONDS})) AS slots`
  return { backend, ...(counts ?? { waiting: 0, oldestWaitSeconds: null, running: 0, slots: 0 }) }
}

/** A worker process, as `GET /v1/workers` tells of it. */
export interface WorkerState {
  id: string
  hostname: string
  pid: number
  engine: string
  device: string
  slots: number
  status: 'ready' | 'silent'
  startedAt: string
  heartbeatAt: string
}

/** Announces a worker, or says that it is still there. */
export async function saveWorker(
  db: Db,
  worker: Pick<WorkerState, 'id' | 'hostname' | 'pid' | 'engine' | 'device' | 'slots'>,
): Promise<void> {
  await db.$executeRaw`
    INSERT INTO workers (id, hostname, pid, engine, device, slots)
    VALUES (${worker.id}, ${worker.hostname}, ${worker.pid}, ${worker.engine}, ${worker.device}, ${worker.slots})
    ON CONFLICT (id) DO UPDATE SET heartbeat_at = now()`
}

/** Takes a worker off the list. */
export async function removeWorker(db: Db, id: string): Promise<void> {
  await db.worker.deleteMany({ where: { id } })
}

/** All workers that were heard of in the last hour; those long silent are forgotten. */
export async function listWorkers(db: Db): Promise<WorkerState[]> {
  await db.$executeRaw`DELETE FROM workers WHERE heartbeat_at < now() - interval '1 hour'`
  const rows = await db.$queryRaw<
    (Omit<WorkerState, 'startedAt' | 'heartbeatAt'> & { startedAt: Date; heartbeatAt: Date })[]
  >`
    SELECT id, hostname, pid, engine, device, slots, started_at AS "startedAt", heartbeat_at AS "heartbeatAt",
      CASE WHEN heartbeat_at > now() - make_interval(secs => ${WORKER_SILENCE_SECONDS}) THEN 'ready' ELSE 'silent' END AS status
    FROM workers ORDER BY started_at`
  return rows.map(row => ({
    ...row,
    startedAt: row.startedAt.toISOString(),
    heartbeatAt: row.heartbeatAt.toISOString(),
  }))
}
