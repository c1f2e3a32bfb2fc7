import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Logger } from '../src/logger.ts'
import { type EngineChoice, engineEnvironment } from './engines/choose-engine.ts'
import {
  parseMessage,
  type TrainerJob,
  type TrainerMessage,
  TrainerMessageSchema,
  type WorkerMessage,
} from './trainer/messages.ts'

/** How a trainer ended: by its own last message, or without one. */
export type TrainerEnd =
  | Extract<TrainerMessage, { type: 'finished' | 'stopped' | 'failed' }>
  | { type: 'crashed'; exitCode: number | null; signal: NodeJS.Signals | null }

/** A trainer at work. */
export interface TrainerProcess {
  /** Resolves when the process is gone. */
  readonly ended: Promise<TrainerEnd>
  /** Asks it to stop between two steps; it is killed when it has not after `STOP_GRACE_MS`. */
  stop(options: { checkpoint: boolean }): void
  /** Ends it at once. */
  kill(): void
}

/** A chunk of steps takes 100 ms, a checkpoint some tens; then there is no excuse. */
const STOP_GRACE_MS = 4_000

/** The trainer needs no secret, so it gets none: only what makes Node and the engine run. */
const ENVIRONMENT = /^(PATH|HOME|TMPDIR|LANG|TZ|LD_LIBRARY_PATH|CUDA_.*|NVIDIA_.*|TF_.*)$/

/**
 * Forks a trainer and gives it its job. It has its own memory and ends with its worker, so a crash in native code
 * is the end of one attempt and of nothing else.
 * @param onReport - called with everything but the last message, in order
 */
export function startTrainer(
  job: TrainerJob,
  choice: EngineChoice,
  onReport: (message: Exclude<TrainerMessage, TrainerEnd>) => void,
  logger: Logger,
): TrainerProcess {
  const entry = fileURLToPath(new URL(`./trainer/main${import.meta.url.slice(-3)}`, import.meta.url))
  const child = fork(entry, [], {
    env: { ...inheritedEnvironment(), ...engineEnvironment(choice) },
    execArgv: ['--disable-warning=DEP0040'], // punycode, in the dependencies of tfjs
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  logger.debug({ trainerPid: child.pid }, 'trainer started')
  const tell = (message: WorkerMessage) => child.connected && child.send(message, () => {}) // a lost child is seen by its exit
  let end: TrainerEnd | null = null
  child.on('message', raw => {
    const message = tryParse(raw)
    if (message === null) {
      end = {
        type: 'failed',
        code: 'TRAINER_FAILED',
        message: 'the trainer sent a message that nobody understands',
      }
      child.kill('SIGKILL')
    } else if (message.type === 'finished' || message.type === 'stopped' || message.type === 'failed') {
      end = message
      child.disconnect()
    } else onReport(message)
  })
  tell({ type: 'start', job, choice })
  return {
    ended: waitForExit(child).then(exit => end ?? { type: 'crashed', ...exit }),
    stop(options) {
      tell({ type: 'stop', ...options })
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS)
      child.once('exit', () => clearTimeout(timer))
    },
    kill: () => void child.kill('SIGKILL'),
  }
}

function inheritedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => ENVIRONMENT.test(name)))
}

/** @returns null for what is no message: an error here would end the worker and all its jobs */
function tryParse(raw: unknown): TrainerMessage | null {
  try {
    return parseMessage(TrainerMessageSchema, raw)
  } catch {
    return null
  }
}

async function waitForExit(
  child: ChildProcess,
): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }> {
  const [exitCode, signal] = await Promise.race([
    once(child, 'exit'),
    once(child, 'error').then(([error]) => Promise.reject(error)),
  ])
  return { exitCode, signal }
}
