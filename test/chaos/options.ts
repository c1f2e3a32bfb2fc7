import { randomInt } from 'node:crypto'

/** How long and how hard; scripts/test-chaos.mjs sets them. */
export interface ChaosOptions {
  /** Decides every random choice; times are those of the machine. */
  seed: number
  jobs: number
  kills: number
}

/** @throws Error when a number is none */
export function readChaosOptions(environment: NodeJS.ProcessEnv): ChaosOptions {
  const number = (name: string, fallback: number) => {
    const value = Number(environment[name] ?? fallback)
    if (!Number.isInteger(value) || value < 1) throw new Error(`${name} must be a whole number from 1`)
    return value
  }
  return {
    seed: number('CHAOS_SEED', randomInt(1, 2 ** 31)),
    jobs: number('CHAOS_JOBS', 16),
    kills: number('CHAOS_KILLS', 12),
  }
}
