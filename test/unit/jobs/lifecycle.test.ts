import { describe, expect, it } from 'vitest'
import { JobStatus } from '../../../src/db/generated/enums.ts'
import {
  isTerminal,
  mayHappen,
  TERMINAL_STATUSES,
  TRANSITIONS,
  type Transition,
} from '../../../src/jobs/lifecycle.ts'
import { JobSchema } from '../../../src/jobs/schemas.ts'

const STATUSES = Object.values(JobStatus)
const EVENTS = Object.keys(TRANSITIONS) as Transition[]

describe('the life of a job', () => {
  it('can reach every status from queued', () => {
    const reached = new Set<JobStatus>(['queued'])
    for (const status of reached) {
      for (const event of EVENTS) if (mayHappen(event, status)) reached.add(TRANSITIONS[event].to)
    }
    expect([...reached].sort()).toEqual([...STATUSES].sort())
  })

  it('can end from every status that is not an end', () => {
    for (const status of STATUSES.filter(status => !isTerminal(status))) {
      expect(mayHappen('cancel', status), status).toBe(true)
    }
  })

  it('leaves a terminal status by a retry only', () => {
    for (const status of TERMINAL_STATUSES) {
      const ways = EVENTS.filter(event => mayHappen(event, status))
      expect(ways, status).toEqual(status === 'succeeded' ? [] : ['retry'])
    }
  })

  it('calls succeeded, failed and cancelled its ends, and nothing else', () => {
    expect(STATUSES.filter(isTerminal).sort()).toEqual(['cancelled', 'failed', 'succeeded'])
  })

  it('is written by a worker while running only: succeed, fail and interrupt begin there', () => {
    for (const event of ['succeed', 'fail', 'interrupt'] as const) {
      expect(STATUSES.filter(status => mayHappen(event, status))).toEqual(['running'])
    }
    expect(STATUSES.filter(status => mayHappen('claim', status))).toEqual(['queued'])
  })

  it('has the same statuses in the database as on the wire', () => {
    expect([...JobSchema.properties.status.enum].sort()).toEqual([...STATUSES].sort())
  })
})
