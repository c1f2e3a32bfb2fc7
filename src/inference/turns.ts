import { AppError } from '../errors.ts'

/** Shares the process out among requests that take long, so that short ones never wait for them. */
export interface Turns {
  /**
   * The work of one request.
   * @param deadlineMs - when its answer is of no use any more, by `performance.now()`; Infinity: never
   */
  begin(deadlineMs?: number): Work
}

/** A request's work, in pieces. */
export interface Work {
  /** Whether it had its share and must wait for its next turn; cheap, to be asked every few microseconds. */
  isOver(): boolean
  /**
   * Waits for the next turn: others come first, and whatever has arrived meanwhile.
   * @throws {AppError} OVERLOADED when too many wait, DEADLINE_EXCEEDED
   */
  next(): Promise<void>
}

/** How long one may work before the others' turn: what a short request waits for a long one at most. */
const TURN_MS = 2
const WAITING_MAX = 256

/** Lets one request work at a time, and between any two the event loop do everything else. */
export function createTurns(): Turns {
  const waiting: (() => void)[] = []
  let isPumping = false

  const pump = () => {
    waiting.shift()?.()
    if (waiting.length > 0) setImmediate(pump)
    else isPumping = false
  }

  return {
    begin(deadlineMs = Number.POSITIVE_INFINITY) {
      let endMs = performance.now() + TURN_MS
      return {
        isOver: () => performance.now() >= endMs,
        async next() {
          if (waiting.length >= WAITING_MAX) {
            throw new AppError(
              'OVERLOADED',
              `at most ${WAITING_MAX} large requests may wait; send it again later`,
            )
          }
          await new Promise<void>(resolve => {
            waiting.push(resolve)
            if (!isPumping) setImmediate(pump)
            isPumping = true
          })
          assertInTime(deadlineMs)
          endMs = performance.now() + TURN_MS
        },
      }
    },
  }
}

/** @throws {AppError} DEADLINE_EXCEEDED */
export function assertInTime(deadlineMs: number): void {
  if (performance.now() <= deadlineMs) return
  throw new AppError(
    'DEADLINE_EXCEEDED',
    'the answer must be ready within the time that the request allows; it is not',
  )
}
