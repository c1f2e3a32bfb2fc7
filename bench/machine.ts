import os from 'node:os'

/** Where and when figures were made; they mean little without. */
export interface Machine {
  date: string
  cpu: string
  cores: number
  memoryGigabytes: number
  system: string
  node: string
  /** Processes that wanted a core in the minute before: above 0.5, others were working too. */
  loadBefore: number
}

/** This machine, now. */
export function describeMachine(): Machine {
  const [load = 0] = os.loadavg()
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGigabytes: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.arch()}`,
    node: process.versions.node,
    loadBefore: Math.round(load * 10) / 10,
  }
}

/** The same in a sentence. */
export function machineLine(machine: Machine): string {
  const { date, cpu, cores, memoryGigabytes, system, node, loadBefore } = machine
  return `${date}, ${cpu}, ${cores} cores, ${memoryGigabytes} GB, ${system}, Node ${node}, load before ${loadBefore}.`
}
