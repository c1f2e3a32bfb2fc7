import assert from 'node:assert/strict'
import fc from 'fast-check'
import { it } from 'vitest'
import { CRASHES_MAX, isTerminal, WORKERS_LOST_MAX } from '../../../src/jobs/lifecycle.ts'
import { anyCommand, applyCommand, type Command, type ModelJob, SUBMITTED } from '../../helpers/job-model.ts'

const RUNS = 10_000

const history = fc.array(anyCommand, { maxLength: 40, size: 'max' })

/** Calls `check` with every job before and after each command of random histories. */
function inEveryHistory(check: (before: ModelJob, command: Command, after: ModelJob) => void): void {
  const property = fc.property(history, commands => {
    let job = SUBMITTED
    for (const command of commands) {
      const after = applyCommand(job, command)
      check(job, command, after)
      job = after
    }
  })
  fc.assert(property, { numRuns: RUNS })
}

it('whatever happens to a job, it can still be brought to an end', () => {
  const wayOut: Command[] = [
    { type: 'resume' },
    { type: 'passBackoff' },
    { type: 'claim' },
    { type: 'end', by: 'holder', result: 'finished' },
  ]
  inEveryHistory((_before, _command, after) => {
    assert.ok(isTerminal(wayOut.reduce(applyCommand, after).status))
  })
})

it('an end is final but for a retry, and a stale attempt changes nothing', () => {
  inEveryHistory((before, command, after) => {
    if (isTerminal(before.status) && command.type !== 'retry') assert.equal(after.status, before.status)
    if (before.status === 'succeeded') assert.equal(after.events, before.events)
    if ('by' in command && command.by === 'stale') assert.equal(after, before)
  })
})

it('an accepted cancel ends cancelled, and there is a version exactly when a job succeeded', () => {
  inEveryHistory((before, command, after) => {
    if (before.cancelRequested && command.type !== 'retry') {
      assert.ok(after.cancelRequested)
      assert.ok(after.status === 'running' || after.status === 'cancelled')
    }
    assert.equal(after.versions, after.status === 'succeeded' ? 1 : 0)
  })
})

it('the attempt grows by one at each claim, and only there', () => {
  inEveryHistory((before, command, after) => {
    const isClaimed = before.status === 'queued' && after.status === 'running'
    assert.equal(after.attempt, before.attempt + (isClaimed ? 1 : 0))
    if (isClaimed) assert.equal(command.type, 'claim')
  })
})

it('only crashes and lost workers are charged, and a job that has used them up has failed', () => {
  inEveryHistory((before, command, after) => {
    const isCrash = command.type === 'end' && command.result === 'crashed'
    if (!isCrash) assert.ok(after.crashes <= before.crashes)
    if (command.type !== 'sweep') assert.ok(after.workersLost <= before.workersLost)
    if (after.status === 'failed') return
    assert.ok(after.crashes < CRASHES_MAX && after.workersLost < WORKERS_LOST_MAX)
  })
})

it('the newest checkpoint and written epochs are never lost, but by a retry from scratch', () => {
  const newest = (job: ModelJob) => job.checkpoints.at(-1)?.step ?? 0
  inEveryHistory((before, command, after) => {
    if (command.type === 'retry' && command.fromScratch) return
    assert.ok(newest(after) >= newest(before))
    for (const epoch in before.epochs) assert.equal(after.epochs[epoch], before.epochs[epoch])
    assert.ok(after.checkpoints.length <= 3)
  })
})
