import type { JobPhase, JobStatus } from '../db/generated/enums.ts'

/** Where a job stands. */
export type { JobPhase, JobStatus }

/**
 * Every way from one status to another, by what happens. A job is claimed by a worker, which holds a lease; an
 * interrupted job (worker lost, or handed over at shutdown) waits again and resumes from its checkpoint.
 */
export const TRANSITIONS = {
  claim: { from: ['queued'], to: 'running' },
  interrupt: { from: ['running'], to: 'queued' },
  succeed: { from: ['running'], to: 'succeeded' },
  fail: { from: ['running'], to: 'failed' },
  cancel: { from: ['queued', 'running', 'paused'], to: 'cancelled' },
  pause: { from: ['queued', 'running'], to: 'paused' },
  resume: { from: ['paused'], to: 'queued' },
  retry: { from: ['failed', 'cancelled'], to: 'queued' },
} as const satisfies Record<string, { from: readonly JobStatus[]; to: JobStatus }>

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
