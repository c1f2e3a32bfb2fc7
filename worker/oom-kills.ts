import { readFileSync } from 'node:fs'

/**
 * Where the kernel counts processes that it killed for want of memory: for this control group (version 2), else for
 * the whole machine.
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files memory.events
 */
const COUNTERS = ['/sys/fs/cgroup/memory.events', '/proc/vmstat']

/** How many processes the kernel has killed for want of memory; null where it does not tell. */
export function countOomKills(): number | null {
  for (const file of [...ownCounters(), ...COUNTERS]) {
    const count = /^oom_kill (\d+)$/m.exec(tryRead(file))?.[1]
    if (count !== undefined) return Number(count)
  }
  return null
}

/** @see cgroups(7), /proc/pid/cgroup */
function ownCounters(): string[] {
  const group = /^0::(\/.+)$/m.exec(tryRead('/proc/self/cgroup'))?.[1]
  return group === undefined ? [] : [`/sys/fs/cgroup${group}/memory.events`]
}

function tryRead(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // another kernel, or another kind of system
  }
}
