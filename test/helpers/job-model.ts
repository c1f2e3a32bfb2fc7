import fc from 'fast-check'
import {
  type EventType,
  type InterruptReason,
  type JobStatus,
  judge,
  mayHappen,
  TRANSITIONS,
  type Transition,
} from '../../src/jobs/lifecycle.ts'

/** Epochs of the model's jobs, and training steps of each epoch. */
export const EPOCHS = 6

/** Training steps of an epoch. */
export const STEPS_PER_EPOCH = 10

/** Who writes: the attempt that the job has, or the one before, which was taken for dead. */
export type Writer = 'holder' | 'stale'

/** What a worker writes when its trainer is gone. */
export type AttemptResult = 'finished' | 'failed' | 'crashed' | 'handedOver'

/** What can happen to a job, in any order. */
export type Command =
  | { type: 'claim' | 'cancel' | 'pause' | 'resume' | 'sweep' | 'expireLease' | 'passBackoff' }
  | { type: 'retry'; fromScratch: boolean }
  | { type: 'renew'; by: Writer }
  | { type: 'epoch'; by: Writer; valLoss: number; withCheckpoint: boolean }
  | { type: 'checkpoint'; by: Writer; steps: number }
  | { type: 'end'; by: Writer; result: AttemptResult }

/** A checkpoint of the model. */
export interface ModelCheckpoint {
  step: number
  epoch: number
}

/** What a job must look like. */
export interface ModelJob {
  status: JobStatus
  attempt: number
  crashes: number
  workersLost: number
  cancelRequested: boolean
  pauseRequested: boolean
  isLeaseExpired: boolean
  /** Whether it waits out a backoff. */
  isHeldBack: boolean
  /** By number: which attempt wrote the row, and its validation loss. */
  epochs: Record<number, { attempt: number; valLoss: number }>
  /** By step. */
  checkpoints: ModelCheckpoint[]
  /** Where the trainer of the running attempt is. */
  place: ModelCheckpoint
  events: EventType[]
  versions: number
  errorCode: string | null
}

/** A job that was submitted just now. */
export const SUBMITTED: ModelJob = {
  status: 'queued',
  attempt: 0,
  crashes: 0,
  workersLost: 0,
  cancelRequested: false,
  pauseRequested: false,
  isLeaseExpired: false,
  isHeldBack: false,
  epochs: {},
  checkpoints: [],
  place: { step: 0, epoch: 0 },
  events: ['job.queued'],
  versions: 0,
  errorCode: null,
}

/** What the rules say that a command does. */
export function applyCommand(job: ModelJob, command: Command): ModelJob {
  if ('by' in command && (command.by === 'stale' || job.status !== 'running')) return job
  switch (command.type) {
    case 'claim':
      if (job.status !== 'queued' || job.isHeldBack) return job
      return move(job, 'claim', {
        attempt: job.attempt + 1,
        isLeaseExpired: false,
        place: job.checkpoints.at(-1) ?? { step: 0, epoch: 0 },
      })
    case 'renew':
      return { ...job, isLeaseExpired: false }
    case 'epoch':
      return finishEpoch(job, command)
    case 'checkpoint':
      return addCheckpoint(job, midEpoch(job.place, command.steps))
    case 'end':
      return endAttempt(job, command.result)
    case 'cancel':
      if (job.status === 'queued' || job.status === 'paused')
        return move(job, 'cancel', { cancelRequested: true })
      if (job.status !== 'running' || job.cancelRequested) return job
      return { ...log(job, 'job.cancelling'), cancelRequested: true, pauseRequested: false }
    case 'pause':
      if (job.status === 'queued') return move(job, 'pause')
      if (job.status !== 'running' || job.cancelRequested) return job
      return { ...job, pauseRequested: true }
    case 'resume':
      return job.status === 'paused' ? move(job, 'resume') : job
    case 'retry':
      return retry(job, command.fromScratch)
    case 'expireLease':
      return job.status === 'running' ? { ...job, isLeaseExpired: true } : job
    case 'sweep':
      return job.status === 'running' && job.isLeaseExpired ? interrupt(job, 'worker-lost') : job
    case 'passBackoff':
      return { ...job, isHeldBack: false }
  }
}

/** One legal step; the table decides where it leads. @throws Error when the table does not have it */
function move(job: ModelJob, transition: Transition, changes: Partial<ModelJob> = {}): ModelJob {
  if (!mayHappen(transition, job.status)) throw new Error(`${transition} of a job that is ${job.status}`)
  const { to, event } = TRANSITIONS[transition]
  return {
    ...log(job, event),
    pauseRequested: false,
    isLeaseExpired: false,
    isHeldBack: false,
    ...changes,
    status: to,
  }
}

function log(job: ModelJob, event: EventType): ModelJob {
  return { ...job, events: [...job.events, event] }
}

function endAttempt(job: ModelJob, result: AttemptResult): ModelJob {
  if (job.cancelRequested) return move(job, 'cancel')
  if (result === 'finished') return move(job, 'succeed', { versions: job.versions + 1 })
  if (result === 'failed') return move(job, 'fail', { errorCode: 'TRAINING_DIVERGED' })
  return interrupt(job, result === 'crashed' ? 'trainer-crashed' : 'shutdown')
}

function interrupt(job: ModelJob, reason: InterruptReason): ModelJob {
  if (job.cancelRequested) return move(job, 'cancel')
  if (job.pauseRequested) return move(job, 'pause')
  const { charges, isGivenUp, backoffSeconds } = judge(reason, job)
  const errorCode = reason === 'worker-lost' ? 'WORKER_LOST' : 'WORKER_CRASHED'
  return isGivenUp
    ? move(job, 'fail', { ...charges, errorCode })
    : move(job, 'interrupt', { ...charges, isHeldBack: backoffSeconds > 0 })
}

function retry(job: ModelJob, fromScratch: boolean): ModelJob {
  if (!mayHappen('retry', job.status)) return job
  const cleared = { crashes: 0, workersLost: 0, cancelRequested: false, errorCode: null }
  return move(job, 'retry', { ...cleared, ...(fromScratch && { epochs: {}, checkpoints: [] }) })
}

/** A checkpoint some steps into the next epoch, or at the very end. */
export function midEpoch({ step, epoch }: ModelCheckpoint, steps: number): ModelCheckpoint {
  const last = Math.min((epoch + 1) * STEPS_PER_EPOCH - 1, EPOCHS * STEPS_PER_EPOCH)
  return { epoch, step: Math.max(step, Math.min(step + steps, last)) }
}

function finishEpoch(job: ModelJob, { valLoss, withCheckpoint }: Command & { type: 'epoch' }): ModelJob {
  if (job.place.epoch === EPOCHS) return job
  const epoch = job.place.epoch + 1
  const place = { epoch, step: epoch * STEPS_PER_EPOCH }
  const isNew = job.epochs[epoch] === undefined
  const next = isNew ? log(job, 'job.epoch') : job
  const epochs = isNew ? { ...job.epochs, [epoch]: { attempt: job.attempt, valLoss } } : job.epochs
  return withCheckpoint ? addCheckpoint({ ...next, place, epochs }, place) : { ...next, place, epochs }
}

/** The last two are kept, and the best of those at an epoch's end. */
function addCheckpoint(job: ModelJob, checkpoint: ModelCheckpoint): ModelJob {
  const others = job.checkpoints.filter(({ step }) => step !== checkpoint.step)
  const all = [...others, checkpoint].sort((a, b) => a.step - b.step)
  const lossOf = ({ step, epoch }: ModelCheckpoint) =>
    step === epoch * STEPS_PER_EPOCH ? (job.epochs[epoch]?.valLoss ?? null) : null
  const losses = all.map(lossOf)
  const lowest = Math.min(...losses.map(loss => loss ?? Number.POSITIVE_INFINITY))
  const best = losses.indexOf(lowest)
  const isProgress = job.checkpoints.every(({ step }) => step < checkpoint.step)
  return {
    ...log(job, 'job.checkpoint'),
    ...(isProgress && { crashes: 0, workersLost: 0 }),
    place: checkpoint,
    checkpoints: all.filter((_, index) => index >= all.length - 2 || index === best),
  }
}

const writer = fc.constantFrom<Writer>('holder', 'holder', 'holder', 'stale')

/** Any command; what drives a job on is likelier, so that it comes far. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Command>({ type: 'claim' }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('epoch' as const),
      by: writer,
      valLoss: fc.integer({ min: 1, max: 5 }),
      withCheckpoint: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('checkpoint' as const),
      by: writer,
      steps: fc.integer({ min: 0, max: 9 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('end' as const),
      by: writer,
      result: fc.constantFrom<AttemptResult>('finished', 'failed', 'crashed', 'crashed', 'handedOver'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('renew' as const), by: writer }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('retry' as const), fromScratch: fc.boolean() }) },
  {
    weight: 9,
    arbitrary: fc.constantFrom<Command>(
      { type: 'cancel' },
      { type: 'pause' },
      { type: 'resume' },
      { type: 'resume' },
      { type: 'expireLease' },
      { type: 'expireLease' },
      { type: 'sweep' },
      { type: 'sweep' },
      { type: 'passBackoff' },
      { type: 'passBackoff' },
    ),
  },
)
