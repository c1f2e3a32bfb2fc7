import { existsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { readConfig } from '../../src/config.ts'
import { chooseEngine, engineEnvironment } from '../../worker/engines/choose-engine.ts'
import type { ContestantJob } from './jobs.ts'

/** Somebody who trains the jobs, in a process of their own. */
export interface Contestant {
  /** For `--only`. */
  id: string
  label: string
  /** What runs it: Node or Python. */
  command: string
  /** The file that is run. */
  entry: string
  environment: Record<string, string>
  /** What it is told beyond the job. */
  options: Partial<ContestantJob>
  /** Trains fewer epochs than the others, so that a run ends in reasonable time. */
  isSlow: boolean
}

/** Where setup-peers.mjs makes the Python environment. */
const PEERS_DIR = path.join(os.homedir(), '.cache', 'trainyard', 'peers')

/** Everybody, in the order of a round; the first is ours, which the ratios are to. */
export function listContestants(): Contestant[] {
  const ours = (engine: 'tensorflow' | 'portable', label: string): Contestant => {
    const config = { ...readConfig(process.env), engine, workerSlots: 1 }
    const choice = tryTo(() => chooseEngine(config))
    return {
      id: engine,
      label,
      command: process.execPath,
      entry: compiled('trainyard'),
      environment: { TRAINYARD_ENGINE: engine, ...(choice && engineEnvironment(choice, 0, process.env)) },
      options: {},
      isSlow: engine === 'portable',
    }
  }
  const python = path.join(process.env.TRAINYARD_PEERS_DIR || PEERS_DIR, 'bin', 'python')
  const peer = (
    id: string,
    file: string,
    label: string,
    options: Contestant['options'] = {},
  ): Contestant => ({
    id,
    label,
    command: python,
    entry: path.resolve('bench', 'training', `${file}.py`),
    environment: { TF_CPP_MIN_LOG_LEVEL: '2' },
    options,
    isSlow: false,
  })
  return [
    ours('tensorflow', 'Trainyard, tensorflow engine'),
    ours('portable', 'Trainyard, portable engine'),
    {
      ...ours('portable', 'TensorFlow.js model.fit'),
      id: 'model-fit',
      entry: compiled('tfjs-model-fit'),
      environment: { TF_CPP_MIN_LOG_LEVEL: '2' },
    },
    peer('keras', 'keras_fit', 'Keras fit'),
    peer('keras-32', 'keras_fit', 'Keras fit, 32 steps per execution', { stepsPerExecution: 32 }),
    peer('pytorch-1', 'pytorch', 'PyTorch, 1 thread', { threads: 1 }),
    peer('pytorch-2', 'pytorch', 'PyTorch, 2 threads', { threads: 2 }),
    peer('jax', 'jax_scan', 'JAX, an epoch in one scan'),
    peer('scikit-learn', 'scikit_learn', 'scikit-learn MLPClassifier'),
  ]
}

/** Why it cannot take part on this machine or in this job; null when it can. */
export function whyAbsent(contestant: Contestant, job: { dropout: number }): string | null {
  if (contestant.entry.endsWith('.py') && !existsSync(contestant.command)) {
    return 'no Python environment: run node bench/setup-peers.mjs'
  }
  if (contestant.id === 'scikit-learn' && job.dropout > 0) return 'it has no dropout'
  return null
}

function compiled(name: string): string {
  return fileURLToPath(new URL(`./${name}${import.meta.url.slice(-3)}`, import.meta.url))
}

function tryTo<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null // the contestant itself says what is missing
  }
}
