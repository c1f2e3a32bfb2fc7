import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { median } from '../table.ts'
import { listContestants, whyAbsent } from '../training/contestants.ts'
import { JOBS, mnistFolder } from '../training/jobs.ts'
import { runContestant } from '../training/run-contestant.ts'

/** What checkpoints cost a trainer. */
export interface CheckpointCost {
  engine: string
  /** Median and most of one, from the export of the variables to the synced file. */
  medianMs: number
  mostMs: number
  /** Time in checkpoints as a part of the training with them. */
  share: number
}

/** The canonical job with its checkpoints, as a trainer writes them. @returns null where the engine is not set up */
export async function measureCheckpoints(engine: 'tensorflow' | 'portable'): Promise<CheckpointCost | null> {
  const [job] = JOBS
  const contestant = listContestants().find(({ id }) => id === engine)
  if (!job || !contestant || whyAbsent(contestant, job) !== null) return null
  const checkpointDir = await mkdtemp(path.join(os.tmpdir(), 'trainyard-bench-'))
  try {
    const run = await runContestant(contestant, { ...job, seed: 1, data: mnistFolder(), checkpointDir })
    const times = run.checkpointMs ?? []
    const trainingMs = 1_000 * run.epochSeconds.reduce((sum, seconds) => sum + seconds, 0)
    const checkpointMs = times.reduce((sum, ms) => sum + ms, 0)
    return {
      engine,
      medianMs: median(times),
      mostMs: Math.max(...times),
      share: checkpointMs / (trainingMs + checkpointMs),
    }
  } finally {
    await rm(checkpointDir, { recursive: true, force: true })
  }
}
