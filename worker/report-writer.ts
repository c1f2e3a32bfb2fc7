import { setTimeout as delay } from 'node:timers/promises'
import { isDatabaseAway } from '../src/db/away.ts'
import type { Database } from '../src/db/client.ts'
import {
  type Fence,
  type Progress,
  recordCheckpoint,
  recordEpoch,
  recordProgress,
} from '../src/jobs/attempt-repository.ts'
import type { Logger } from '../src/logger.ts'
import type { TrainerMessage } from './trainer/messages.ts'

/** What a trainer reports while it works. */
type Report = Extract<TrainerMessage, { type: 'progress' | 'epoch' | 'checkpoint' }>

/** Writes a trainer's reports in order. */
export interface ReportWriter {
  write(report: Report): void
  /** Resolves when everything is written, or nothing more may be. */
  drain(): Promise<void>
}

const RETRY_MS = 1_000

/** Progress is written at most this often; what comes between is replaced by what comes after. */
const PROGRESS_MS = 500

/**
 * Writes one report after the other under the fence. While the database is away they wait, so that the history
 * arrives complete and in order when it is back; only progress is dropped.
 * @param onFenced - called once, when a write was refused
 */
export function createReportWriter(
  deps: { db: Database; logger: Logger },
  fence: Fence,
  onFenced: () => void,
): ReportWriter {
  const waiting: Exclude<Report, { type: 'progress' }>[] = []
  let progress: Progress | null = null
  let progressAtMs = 0
  let isFenced = false
  let writing: Promise<void> | null = null

  const writeOne = (report: Report): Promise<boolean> => {
    switch (report.type) {
      case 'progress':
        return recordProgress(deps.db, fence, report.progress)
      case 'epoch':
        return recordEpoch(deps.db, fence, report.epoch, report.checkpoint)
      case 'checkpoint':
        return recordCheckpoint(deps.db, fence, report.checkpoint)
    }
  }
  const nextReport = (): Report | null => {
    const [report] = waiting
    if (report) return report
    if (!progress || performance.now() - progressAtMs < PROGRESS_MS) return null
    progressAtMs = performance.now()
    const report2: Report = { type: 'progress', progress }
    progress = null
    return report2
  }
  const writeAll = async () => {
    for (let report = nextReport(); report && !isFenced; report = nextReport()) {
      try {
        isFenced = !(await writeOne(report))
        if (report.type !== 'progress') waiting.shift()
      } catch (error) {
        if (!isDatabaseAway(error)) throw error
        deps.logger.warn({ err: error, waiting: waiting.length }, 'the database is away; reports wait')
        await delay(RETRY_MS)
      }
    }
    if (isFenced) onFenced()
  }
  const start = () => {
    if (isFenced) return
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
    },
  }
}
