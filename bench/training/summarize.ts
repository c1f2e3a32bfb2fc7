import { markdownTable, median } from '../table.ts'
import type { Contestant } from './contestants.ts'
import type { BenchJob } from './jobs.ts'
import type { Run } from './run-contestant.ts'

/** What a contestant did in a job, over all rounds. */
export interface Standing {
  contestant: Pick<Contestant, 'id' | 'label'>
  runs: Run[]
  /** Why it did not take part, or dropped out; else null. */
  absence: string | null
}

/** The figures of a row of the table. Null: not measured. */
export interface Figures {
  /** Training and evaluation, median over rounds of the median over epochs but the first. */
  epochSeconds: number
  /** The same of the fastest and the slowest round. */
  epochSecondsRange: [number, number]
  /** From process start to the end of the first epoch. */
  firstEpochSeconds: number
  /** From process start to the result of all epochs of the job. */
  totalSeconds: number | null
  /** After the last epoch, median over the rounds that did them all. */
  accuracy: number | null
  peakBytes: number
}

/** Medians over the rounds. */
export function summarize(runs: readonly Run[], job: Pick<BenchJob, 'epochs'>): Figures {
  const perRound = runs.map(run =>
    median(run.epochSeconds.length > 1 ? run.epochSeconds.slice(1) : run.epochSeconds),
  )
  const whole = runs.filter(run => run.epochSeconds.length === job.epochs)
  return {
    epochSeconds: median(perRound),
    epochSecondsRange: [Math.min(...perRound), Math.max(...perRound)],
    firstEpochSeconds: median(
      runs.map(
        run => run.processSeconds - run.epochSeconds.slice(1).reduce((sum, seconds) => sum + seconds, 0),
      ),
    ),
    totalSeconds: whole.length > 0 ? median(whole.map(run => run.processSeconds)) : null,
    accuracy: whole.length > 0 ? median(whole.map(run => run.accuracies.at(-1) ?? 0)) : null,
    peakBytes: Math.max(...runs.map(run => run.peakBytes)),
  }
}

/** The table of a job; ratios are to Trainyard's tensorflow engine, when it took part. */
export function writeTable(standings: readonly Standing[], job: Pick<BenchJob, 'name' | 'epochs'>): string {
  const present = standings.filter(({ runs }) => runs.length > 0)
  const rows = present.map(({ contestant, runs }) => ({ contestant, figures: summarize(runs, job) }))
  const ours = rows.find(({ contestant }) => contestant.id === 'tensorflow')?.figures.epochSeconds ?? null
  const header = [
    job.name,
    'seconds per epoch',
    'range',
    'ratio to ours',
    `accuracy after ${job.epochs}`,
    'memory',
    'start to first epoch',
    `start to end of ${job.epochs}`,
  ]
  const table = markdownTable(
    header,
    rows.map(({ contestant, figures }) => [
      contestant.label,
      figures.epochSeconds.toFixed(3),
      figures.epochSecondsRange.map(seconds => seconds.toFixed(2)).join('–'),
      ours === null ? '' : (figures.epochSeconds / ours).toFixed(2),
      figures.accuracy?.toFixed(4) ?? '',
      `${Math.round(figures.peakBytes / 1e6)} MB`,
      `${figures.firstEpochSeconds.toFixed(1)} s`,
      figures.totalSeconds === null ? '' : `${figures.totalSeconds.toFixed(1)} s`,
    ]),
  )
  const absences = standings.flatMap(({ contestant, absence }) =>
    absence === null ? [] : [`Left out: ${contestant.label}: ${absence}.`],
  )
  return [table, ...absences].join('\n\n')
}
