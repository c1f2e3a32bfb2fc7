import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Processes that a process has started and that live; none when it is gone. @see proc(5), /proc/[pid]/task/[tid]/children */
export function childrenOf(pid: number): number[] {
  return readIfThere(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)
}

/** The trainers of a worker; not the copy of the worker that each is for a moment, which shares its signals. */
export function trainersOf(workerPid: number): number[] {
  return childrenOf(workerPid).filter(pid => commandOf(pid).includes('trainer/main'))
}

/**
 * Lets a process map so many bytes more and no others, as `ulimit -v` would have from its start.
 * @see setrlimit(2), RLIMIT_AS; proc(5), status
 */
export function limitMemory(pid: number, moreBytes: number): void {
  const [, kibibytes] = /^VmSize:\s+(\d+) kB$/m.exec(readIfThere(`/proc/${pid}/status`)) ?? []
  execFileSync('prlimit', ['--pid', String(pid), `--as=${Number(kibibytes) * 1024 + moreBytes}`])
}

/** The words of a process's command, or nothing when it is gone. @see proc(5), cmdline */
export function commandOf(pid: number): string {
  return readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
}

/** Whether a process runs; one that ended and was not yet reaped does not. @see proc(5), stat */
export function isAlive(pid: number): boolean {
  const stat = readIfThere(`/proc/${pid}/stat`)
  const state = stat.charAt(stat.lastIndexOf(')') + 2)
  return state !== '' && state !== 'Z' && state !== 'X'
}

/** All processes whose environment has a variable with a value, children's children too. @see proc(5), environ */
export function processesWith(name: string, value: string): number[] {
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .filter(pid => readIfThere(`/proc/${pid}/environ`).split('\0').includes(`${name}=${value}`))
    .map(Number)
    .filter(isAlive)
}

/** Sends a signal. @returns false when the process is gone already */
export function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // gone meanwhile, or another user's
  }
}
