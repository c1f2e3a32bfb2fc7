import { setTimeout as delay } from 'node:timers/promises'
import { isTransient } from '../src/db/away.ts'
import type { Database } from '../src/db/client.ts'
import {
  type Fence,
  type Progress,
  recordCheckpoint,
  recordEpoch,
  recordPlan,
  recordProgress,
} from '../src/jobs/attempt-repository.ts'
import type { Logger } from '../src/logger.ts'
import type { TrainerMessage } from './trainer/messages.ts'

/** What a trainer reports while it works. */
type Report = Extract<TrainerMessage, { type: 'progress' | 'epoch' | 'checkpoint' | 'planned' }>

/** Writes a trainer's reports in order. */
export interface ReportWriter {
  write(report: Report): void
  /** Resolves when everything is written, or nothing more may be. @throws what kept a report from being written */
  drain(): Promise<void>
}

const RETRY_MS = 1_000

/** Progress is written at most this often; what comes between is replaced by what comes after. */
const PROGRESS_MS = 500

/**
 * Writes one report after the other under the fence. While the database is away or busy they wait, so that the history
 * arrives complete and in order when it is back; only progress is dropped.
 * @param onStopped - called once, when a write was refused or failed for good: the attempt is over
 */
export function createReportWriter(
  deps: { db: Database; logger: Logger },
  fence: Fence,
  onStopped: (why: 'fenced' | 'failed') => void,
): ReportWriter {
  const waiting: Exclude<Report, { type: 'progress' }>[] = []
  let progress: Progress | null = null
  let progressAtMs = 0
  let stopped: { failure: unknown } | null = null
  let writing: Promise<void> | null = null

  const writeOne = (report: Report): Promise<boolean> => {
    switch (report.type) {
      case 'progress':
        return recordProgress(deps.db, fence, report.progress)
      case 'epoch':
        return recordEpoch(deps.db, fence, report.epoch, report.checkpoint)
      case 'checkpoint':
        return recordCheckpoint(deps.db, fence, report.checkpoint)
      case 'planned':
        return recordPlan(deps.db, fence, report.steps)
    }
  }
  const nextReport = (): Report | null => {
    const [report] = waiting
    if (report) return report
    if (!progress || performance.now() - progressAtMs < PROGRESS_MS) return null
    progressAtMs = performance.now()
    const newest: Report = { type: 'progress', progress }
    progress = null
    return newest
  }
  const stop = (why: 'fenced' | 'failed', failure: unknown) => {
    stopped = { failure }
    onStopped(why)
  }
  const writeAll = async () => {
    for (let report = nextReport(); report && !stopped; report = nextReport()) {
      try {
        if (!(await writeOne(report))) return stop('fenced', null)
        if (report.type !== 'progress') waiting.shift()
      } catch (error) {
        if (!isTransient(error)) return stop('failed', error)
        deps.logger.warn(
          { err: error, waiting: waiting.length },
          'the database is away or busy; reports wait',
        )
        await delay(RETRY_MS)
      }
    }
  }
  const start = () => {
    if (stopped) return
    writing ??= writeAll().finally(() => {
      writing = null
    })
  }
  return {
    write(report) {
      if (report.type === 'progress') progress = report.progress
      else waiting.push(report)
      start()
    },
    async drain() {
      progress = null
      while (writing !== null) await writing
      if (stopped?.failure) throw stopped.failure
    },
  }
}
