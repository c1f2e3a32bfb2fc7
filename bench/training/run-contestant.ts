import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import os from 'node:os'
import { createInterface } from 'node:readline'
import type { ContestantReport } from './contest.ts'
import type { Contestant } from './contestants.ts'
import type { ContestantJob } from './jobs.ts'

/** What a contestant did in a round. */
export interface Run extends ContestantReport {
  /** From the start of its process to its result. */
  processSeconds: number
  /** The part of all cores that others kept busy meanwhile; above a few percent the figures suffer. */
  othersShare: number
}

/** Longer than the slowest needs. */
const RUN_MS_MAX = 20 * 60_000

/**
 * Runs a contestant in a process of its own.
 * @throws Error with what it said on standard error, when it ends without a result
 */
export async function runContestant(contestant: Contestant, job: ContestantJob): Promise<Run> {
  const { command, entry, environment, options } = contestant
  const startedMs = performance.now()
  const busyBefore = busyCoreSeconds()
  const child = spawn(command, [entry, JSON.stringify({ ...job, ...options })], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_MS_MAX,
  })
  const complaints: string[] = []
  createInterface({ input: child.stderr }).on('line', line => line.trim() && complaints.push(line.trim()))
  let run: Run | null = null
  createInterface({ input: child.stdout }).on('line', line => {
    const processSeconds = (performance.now() - startedMs) / 1_000
    if (!line.startsWith('{')) return
    const result: ContestantReport = JSON.parse(line)
    const others = busyCoreSeconds() - busyBefore - result.cpuSeconds
    const othersShare = Math.max(0, others) / (processSeconds * os.availableParallelism())
    run = { ...result, processSeconds, othersShare }
  })
  const exitCode = await waitForClose(child)
  if (run === null) {
    // Python says what is wrong last; Node prints its version after it.
    const complaint = complaints.findLast(line => /^\w*Error\b/.test(line)) ?? complaints.at(-1)
    throw new Error(complaint ?? `it ended with code ${exitCode} and said nothing`)
  }
  return run
}

/** Resolves when the process is gone and its output has been read. */
async function waitForClose(child: ChildProcess): Promise<number | null> {
  const [exitCode] = await once(child, 'close') // rejects when it cannot be started
  return exitCode
}

/** Seconds that the cores of this machine have worked since it was started, all together. */
function busyCoreSeconds(): number {
  return os.cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys, 0) / 1_000
}
