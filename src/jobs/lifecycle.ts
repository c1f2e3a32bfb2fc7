import type { JobPhase, JobStatus } from '../db/generated/enums.ts'

/** Where a job stands. */
export type { JobPhase, JobStatus }

/**
 * Every way from one status to another, by what happens. A job is claimed by a worker, which holds a lease; an
 * interrupted job (worker lost, trainer crashed, or handed over at shutdown) waits again and resumes from its
 * checkpoint. `docs/job-lifecycle.md` shows this table as a diagram.
 */
export const TRANSITIONS = {
  claim: { from: ['queued'], to: 'running', event: 'job.started' },
  interrupt: { from: ['running'], to: 'queued', event: 'job.interrupted' },
  succeed: { from: ['running'], to: 'succeeded', event: 'job.succeeded' },
  fail: { from: ['running'], to: 'failed', event: 'job.failed' },
  cancel: { from: ['queued', 'running', 'paused'], to: 'cancelled', event: 'job.cancelled' },
  pause: { from: ['queued', 'running'], to: 'paused', event: 'job.paused' },
  resume: { from: ['paused'], to: 'queued', event: 'job.resumed' },
  retry: { from: ['failed', 'cancelled'], to: 'queued', event: 'job.queued' },
} as const satisfies Record<string, { from: readonly JobStatus[]; to: JobStatus; event: EventType }>

/** What can happen to a job's status. */
export type Transition = keyof typeof TRANSITIONS

/** Types of events that are stored, in a job's log and its stream. */
export const EVENT_TYPES = [
  'job.queued',
  'job.started',
  'job.epoch',
  'job.checkpoint',
  'job.interrupted',
  'job.paused',
  'job.resumed',
  'job.cancelling',
  'job.succeeded',
  'job.failed',
  'job.cancelled',
] as const

/** Type of a stored event. */
export type EventType = (typeof EVENT_TYPES)[number]

/** Statuses that only a retry leaves. */
export const TERMINAL_STATUSES = ['succeeded', 'failed', 'cancelled'] as const satisfies readonly JobStatus[]

/** Whether a job has ended. */
export function isTerminal(status: JobStatus): boolean {
  return (TERMINAL_STATUSES as readonly JobStatus[]).includes(status)
}

/** Whether the transition is legal from a status. */
export function mayHappen(transition: Transition, status: JobStatus): boolean {
  return (TRANSITIONS[transition].from as readonly JobStatus[]).includes(status)
}

/** A job whose trainer crashed this often without a new checkpoint is given up. */
export const CRASHES_MAX = 3

/** A job that lost this many workers without a new checkpoint is given up: lost ones are seldom its own fault. */
export const WORKERS_LOST_MAX = 10

/** What counts against a job; a new checkpoint sets both to 0. */
export interface Charges {
  crashes: number
  workersLost: number
}

/** How an attempt may end that counts against its job. */
export type Loss = 'trainer-crashed' | 'worker-lost'

/** How an attempt may end before its job does. A hand-over at shutdown counts nothing. */
export type InterruptReason = Loss | 'shutdown'

/** What an interruption means: other counts, and either a wait of `backoffSeconds` or the end. */
export interface Verdict {
  charges: Charges
  isGivenUp: boolean
  backoffSeconds: number
}

/**
 * Judges an interruption. A crash waits 1, 5, 25 … seconds; a lost worker has cost the length of its lease already.
 */
export function judge(reason: InterruptReason, { crashes, workersLost }: Charges): Verdict {
  switch (reason) {
    case 'shutdown':
      return { charges: { crashes, workersLost }, isGivenUp: false, backoffSeconds: 0 }
    case 'worker-lost':
      return {
        charges: { crashes, workersLost: workersLost + 1 },
        isGivenUp: workersLost + 1 >= WORKERS_LOST_MAX,
        backoffSeconds: 0,
      }
    case 'trainer-crashed':
      return {
        charges: { crashes: crashes + 1, workersLost },
        isGivenUp: crashes + 1 >= CRASHES_MAX,
        backoffSeconds: 5 ** crashes,
      }
  }
}
