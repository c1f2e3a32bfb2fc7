import type { Logger } from '../src/logger.ts'
import { forkTrainer, type TrainerKind, type TrainerProcess } from './trainer-process.ts'

/** Trainers that have loaded their engine before a job comes, one for each slot. */
export interface TrainerPool {
  /** Resolves when the first trainer is loaded, with what it computes on. @throws Error when it cannot */
  readonly loaded: Promise<{ device: string }>
  /** Gives a free slot's trainer. It is for one job; another takes its place when it has ended. */
  take(): TrainerProcess
  /** The job of a trainer is nearly over: another is made ready for its slot. */
  prepareNext(trainer: TrainerProcess): void
  /** Ends the trainers that wait; those at work are their jobs' business. */
  close(): void
}

interface Slot {
  index: number
  working: TrainerProcess | null
  waiting: TrainerProcess | null
}

/** A trainer that died while it waited is replaced after this long, so that a broken engine does not spin. */
const REPLACE_MS = 1_000

/** Forks the first trainers. */
export function createTrainerPool(kind: TrainerKind, slotCount: number, logger: Logger): TrainerPool {
  let isClosed = false
  const slots = Array.from(
    { length: slotCount },
    (_, index): Slot => ({ index, working: null, waiting: null }),
  )
  const prepare = (slot: Slot) => {
    if (isClosed || slot.waiting) return
    const trainer = forkTrainer(kind, slot.index, logger)
    slot.waiting = trainer
    const replace = () => {
      if (slot.waiting !== trainer) return
      slot.waiting = null
      setTimeout(() => prepare(slot), REPLACE_MS).unref()
    }
    trainer.ended.then(replace, replace)
  }
  for (const slot of slots) prepare(slot)

  return {
    loaded: slots[0]?.waiting?.loaded ?? Promise.reject(new Error('a worker must have a slot')),
    take() {
      const slot = slots.find(({ working }) => working === null)
      if (!slot) throw new Error('every slot has a job')
      const trainer = slot.waiting ?? forkTrainer(kind, slot.index, logger)
      slot.waiting = null
      slot.working = trainer
      const free = () => {
        slot.working = null
        prepare(slot)
      }
      trainer.ended.then(free, free)
      return trainer
    },
    prepareNext(trainer) {
      const slot = slots.find(({ working }) => working === trainer)
      if (slot) prepare(slot)
    },
    close() {
      isClosed = true
      for (const { waiting } of slots) waiting?.kill()
    },
  }
}
