import fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import type { Database } from '../../src/db/client.ts'
import { recordCheckpoint, recordEpoch, renewLease } from '../../src/jobs/attempt-repository.ts'
import { endExpiredAttempts } from '../../src/jobs/end-expired-attempts.ts'
import { isTerminal } from '../../src/jobs/lifecycle.ts'
import { requestCancel, requestPause, requeueEnded, requeuePaused } from '../../src/jobs/state-repository.ts'
import { createTestDatabase } from '../helpers/database.ts'
import {
  anyCommand,
  applyCommand,
  type Command,
  EPOCHS,
  type ModelJob,
  midEpoch,
  STEPS_PER_EPOCH,
  SUBMITTED,
} from '../helpers/job-model.ts'
import {
  ANY_SHA256,
  addDataset,
  addJob,
  claim,
  finish,
  openTestDatabase,
  trainerEnds,
} from '../helpers/job-rows.ts'
import { until } from '../helpers/until.ts'

const RUNS = 250
const histories = fc.array(anyCommand, { maxLength: 40, size: 'max' })

it('in every order of commands, the database does what the model of the rules does', {
  timeout: 600_000,
}, async () => {
  const db = openTestDatabase(await createTestDatabase(), onTestFinished)
  const datasetId = await addDataset(db)
  await untilLeasesCount(db)
  const property = fc.asyncProperty(histories, async commands => {
    const jobId = await addJob(db, datasetId)
    let model = SUBMITTED
    for (const command of commands) {
      await execute(db, datasetId, jobId, model, command)
      model = applyCommand(model, command)
      expect(await readState(db, jobId), command.type).toEqual(expectedState(model))
      if (model.isHeldBack) await lengthenBackoff(db, jobId)
    }
    if (model.status === 'running')
      await finish(db, { jobId, attempt: model.attempt }, trainerEnds(jobId, datasetId).failed)
  })
  await fc.assert(property, { numRuns: RUNS })
})

/** For two heartbeats after its start, Postgres lets every holder come back. */
async function untilLeasesCount(db: Database): Promise<void> {
  await until(async () => {
    const [row] = await db.$queryRaw<{ isLong: boolean }[]>`
      SELECT now() > pg_postmaster_start_time() + interval '5 seconds' AS "isLong"`
    return row?.isLong
  })
}

async function execute(
  db: Database,
  datasetId: string,
  jobId: string,
  model: ModelJob,
  command: Command,
): Promise<void> {
  const fence = { jobId, attempt: model.attempt - ('by' in command && command.by === 'stale' ? 1 : 0) }
  const file = { sha256: ANY_SHA256, bytes: 1 }
  switch (command.type) {
    case 'claim':
      return void (await claim(db, jobId))
    case 'renew':
      return void (await renewLease(db, fence, 30))
    case 'epoch': {
      const epoch = model.place.epoch + 1
      if (epoch > EPOCHS) return
      const place = { epoch, step: epoch * STEPS_PER_EPOCH }
      const { valLoss } = command
      const figures = {
        metrics: { loss: 9 - valLoss, valLoss },
        learningRate: 1,
        durationMs: 1,
        examplesPerSecond: 1,
      }
      const checkpoint = command.withCheckpoint ? { ...place, ...file } : null
      return void (await recordEpoch(db, fence, { ...place, ...figures }, checkpoint))
    }
    case 'checkpoint':
      return void (await recordCheckpoint(db, fence, { ...midEpoch(model.place, command.steps), ...file }))
    case 'end':
      return finish(db, fence, trainerEnds(jobId, datasetId)[command.result])
    case 'cancel':
      return void (await requestCancel(db, jobId))
    case 'pause':
      return void (await requestPause(db, jobId))
    case 'resume':
      return void (await requeuePaused(db, jobId))
    case 'retry':
      return void (await requeueEnded(db, jobId, command.fromScratch))
    case 'expireLease':
      return void (await db.$executeRaw`
        UPDATE jobs SET lease_until = now() - interval '1 minute' WHERE id = ${jobId} AND status = 'running'`)
    case 'sweep':
      return void (await endExpiredAttempts(db))
    case 'passBackoff':
      return void (await db.$executeRaw`UPDATE outbox SET not_before = NULL WHERE job_id = ${jobId}`)
  }
}

/** A backoff of a second must not be over before the next command, however slow the machine. */
async function lengthenBackoff(db: Database, jobId: string): Promise<void> {
  await db.$executeRaw`UPDATE outbox SET not_before = now() + interval '1 hour' WHERE job_id = ${jobId}`
}

function expectedState(model: ModelJob) {
  return {
    status: model.status,
    attempt: model.attempt,
    crashes: model.crashes,
    workersLost: model.workersLost,
    cancelRequested: model.cancelRequested,
    pauseRequested: model.pauseRequested,
    hasLease: model.status === 'running',
    hasEnded: isTerminal(model.status),
    errorCode: model.errorCode,
    waits: model.status === 'queued' ? [model.isHeldBack] : [],
    eventSeq: model.events.length,
    events: model.events.map((type, index) => ({ id: index + 1, type })),
    epochs: Object.entries(model.epochs).map(([epoch, { attempt }]) => ({ epoch: Number(epoch), attempt })),
    checkpoints: model.checkpoints.map(({ step }) => step),
    versions: model.versions,
    hasVersion: model.versions === 1,
  }
}

async function readState(db: Database, jobId: string) {
  const [row] = await db.$queryRaw<Record<string, unknown>[]>`
    SELECT status, attempt, crashes, workers_lost AS "workersLost",
      cancel_requested_at IS NOT NULL AS "cancelRequested", pause_requested_at IS NOT NULL AS "pauseRequested",
      lease_owner IS NOT NULL AS "hasLease", finished_at IS NOT NULL AS "hasEnded", error->>'code' AS "errorCode",
      event_seq AS "eventSeq", model_version IS NOT NULL AS "hasVersion",
      (SELECT coalesce(jsonb_agg(not_before IS NOT NULL), '[]') FROM outbox WHERE job_id = jobs.id) AS waits,
      (SELECT jsonb_agg(jsonb_build_object('id', job_events.id, 'type', type) ORDER BY job_events.id)
        FROM job_events WHERE job_id = jobs.id) AS events,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('epoch', epochs.epoch, 'attempt', epochs.attempt)
        ORDER BY epochs.epoch), '[]') FROM epochs WHERE job_id = jobs.id) AS epochs,
      (SELECT coalesce(jsonb_agg(checkpoints.step ORDER BY checkpoints.step), '[]')
        FROM checkpoints WHERE job_id = jobs.id) AS checkpoints,
      (SELECT count(*)::int FROM model_versions WHERE job_id = jobs.id) AS versions
    FROM jobs WHERE id = ${jobId}`
  return row
}
