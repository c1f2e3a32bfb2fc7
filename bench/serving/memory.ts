import { readdirSync, readFileSync } from 'node:fs'

/** Resident bytes of the API processes of a data folder, together. @see proc(5), VmRSS */
export function apiMemory(dataDir: string): number {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .reduce((sum, pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('src/server')) return sum
        if (!readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`TRAINYARD_DATA_DIR=${dataDir}\0`))
          return sum
        const kibibytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        return sum + Number(kibibytes ?? 0) * 1_024
      } catch {
        return sum // it ended while we looked
      }
    }, 0)
}
