import type { ErrorCode } from '../src/errors.ts'
import { CRASHES_MAX } from '../src/jobs/lifecycle.ts'
import { isOutOfMemory } from './trainer/out-of-memory.ts'

/** How a trainer went without a last message. */
export interface Crash {
  exitCode: number | null
  signal: NodeJS.Signals | null
  /** Whether the kernel killed processes for want of memory while it ran. */
  sawOomKill: boolean
}

/** What a crash means for the job. */
export interface Explanation {
  code: ErrorCode
  /** For the case that the job ends by it: what happened, and what to do. */
  message: string
  /** Whether another attempt would end in the same way; otherwise the job is tried again. */
  isFinal: boolean
}

/**
 * Tells the job's own fault from the machine's. A trainer that could not get memory asked for too much, and would
 * again; one that the kernel chose to kill may have been the victim of others, so it is tried again, as after any
 * crash.
 * @param logTail - the last lines of the trainer
 */
export function explainCrash(crash: Crash, logTail: readonly string[]): Explanation {
  const advice = 'Use a smaller network, batch or dataset, or a machine with more memory'
  const sign = logTail.find(isOutOfMemory)
  if (sign !== undefined) {
    return {
      code: 'OUT_OF_MEMORY',
      message: `the training must fit into the memory of its worker; it did not: ${sign.trim()}. ${advice}`,
      isFinal: true,
    }
  }
  if (crash.signal === 'SIGKILL' && crash.sawOomKill) {
    return {
      code: 'OUT_OF_MEMORY',
      message: `the operating system killed the trainer ${CRASHES_MAX} times in a row for want of memory. ${advice}`,
      isFinal: false,
    }
  }
  const how = crash.signal ? `signal ${crash.signal}` : `exit code ${crash.exitCode}`
  return {
    code: 'WORKER_CRASHED',
    message:
      `the trainer crashed ${CRASHES_MAX} times in a row without a new checkpoint between, last by ${how}. ` +
      'logTail has its last words; a retry goes on from the last checkpoint',
    isFinal: false,
  }
}
