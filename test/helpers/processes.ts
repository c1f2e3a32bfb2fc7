import { readFileSync } from 'node:fs'

/** Processes that a process has started and that live. @see proc(5), /proc/[pid]/task/[tid]/children */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number)
}

/** The trainers of a worker; not the copy of the worker that each is for a moment, which shares its signals. */
export function trainersOf(workerPid: number): number[] {
  return childrenOf(workerPid).filter(pid => commandOf(pid).includes('trainer/main'))
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return '' // gone meanwhile
  }
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
