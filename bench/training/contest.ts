import { readFileSync } from 'node:fs'
import type { ContestantJob } from './jobs.ts'

/** What a contestant has to say at the end. */
export interface ContestantReport {
  versions: Record<string, string>
  /** Training and evaluation of each epoch. */
  epochSeconds: number[]
  /** On the test images, after each epoch. */
  accuracies: number[]
  /** What each checkpoint took, where some were asked for. */
  checkpointMs?: number[]
  /** Most memory that was resident at once. */
  peakBytes: number
  /** Of all threads, from its start. */
  cpuSeconds: number
}

/** The job of this process, from its first argument. */
export function readJob(): ContestantJob {
  return JSON.parse(process.argv[2] ?? '{}')
}

/** Prints the one line that the comparison reads. */
export function report(result: Omit<ContestantReport, 'peakBytes' | 'cpuSeconds'>): void {
  // Not resourceUsage().maxRSS: it starts from that of the parent.
  const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  const { user, system } = process.cpuUsage()
  const used = { peakBytes: Number(kilobytes) * 1024, cpuSeconds: (user + system) / 1e6 }
  process.stdout.write(`${JSON.stringify({ ...result, ...used })}\n`)
}
