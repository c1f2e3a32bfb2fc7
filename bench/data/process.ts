import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second of times in /proc; Linux has had no other number for decades. */
const TICKS = 100
const SAMPLE_MS = 50

/** The process of this bench's service that runs an entry. @throws Error when there is none */
export function findProcess(entry: string, dataDir: string): number {
  const found = readdirSync('/proc').find(name => {
    if (!/^\d+$/.test(name)) return false
    try {
      const isEntry = readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(entry)
      return (
        isEntry && readFileSync(`/proc/${name}/environ`, 'utf8').includes(`TRAINYARD_DATA_DIR=${dataDir}`)
      )
    } catch {
      return false // it ended while we looked, or is another user's
    }
  })
  if (found === undefined) throw new Error(`no process runs ${entry}`)
  return Number(found)
}

/** Keeps all threads of a process on some cores, like `0` or `0-3`. @returns whether there is a tool for it */
export function pinToCores(pid: number, cores: string): boolean {
  try {
    execFileSync('taskset', ['-a', '-c', '-p', cores, String(pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** What a process took while something was done. */
export interface Usage {
  seconds: number
  cpuSeconds: number
  /** The most that was resident, of samples every 50 ms. */
  residentBytes: number
}

/** Watches a process meanwhile. @see proc(5): stat, statm */
export async function watch(pid: number, work: () => Promise<unknown>): Promise<Usage> {
  let residentBytes = 0
  const sample = () => {
    const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    residentBytes = Math.max(residentBytes, 1_024 * Number(kilobytes ?? 0))
  }
  const timer = setInterval(sample, SAMPLE_MS)
  const cpuBefore = cpuSeconds(pid)
  const startedMs = performance.now()
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  sample()
  const seconds = (performance.now() - startedMs) / 1_000
  return { seconds, cpuSeconds: cpuSeconds(pid) - cpuBefore, residentBytes }
}

/** User and system time. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}
