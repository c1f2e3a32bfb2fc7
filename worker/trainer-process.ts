import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import type { Logger } from '../src/logger.ts'
import type { StorageSettings } from '../src/storage/open-blob-store.ts'
import { type EngineChoice, engineEnvironment } from './engines/choose-engine.ts'
import type { Crash } from './explain-crash.ts'
import { countOomKills } from './oom-kills.ts'
import {
  parseMessage,
  type TrainerJob,
  type TrainerMessage,
  TrainerMessageSchema,
  type WorkerMessage,
} from './trainer/messages.ts'
import { createTrainerLog } from './trainer-log.ts'

/** How a trainer ended: by its own last message, or without one. */
export type TrainerEnd =
  | Extract<TrainerMessage, { type: 'finished' | 'stopped' | 'failed' }>
  | ({ type: 'crashed' } & Crash)

/** What a trainer reports while it works. */
export type TrainerReport = Extract<TrainerMessage, { type: 'progress' | 'epoch' | 'checkpoint' | 'planned' }>

/** A trainer, waiting or at work. */
export interface TrainerProcess {
  /** Resolves when the engine is loaded, with what it computes on. @throws Error when the process ended before */
  readonly loaded: Promise<{ device: string }>
  /** Resolves when the process is gone. */
  readonly ended: Promise<TrainerEnd>
  /**
   * Gives it its only job; it may still be loading.
   * @param onReport - called with everything but the last message, in order
   */
  start(job: TrainerJob, onReport: (report: TrainerReport) => void): void
  /** Asks it to stop between two steps; it is killed when it takes too long. */
  stop(options: { checkpoint: boolean }): void
  /** The last lines that it wrote. */
  logTail(): string[]
  /** Ends it at once. */
  kill(): void
}

/** A chunk of steps takes 100 ms; then there is no excuse. */
const STOP_GRACE_MS = 4_000

/** A checkpoint of the largest network is 600 MB. */
const CHECKPOINT_GRACE_MS = 15_000

/** The trainer gets no secret that it does not need: only what makes Node and the engine run. */
const ENVIRONMENT = /^(PATH|HOME|TMPDIR|LANG|TZ|LD_LIBRARY_PATH|CUDA_.*|NVIDIA_.*|TF_.*)$/

/** What opens a bucket, as the SDK finds it. */
const BUCKET_ENVIRONMENT = /^(AWS_.*|NODE_EXTRA_CA_CERTS)$/

/** What trainers compute with, and where they read and write. */
export interface TrainerKind {
  choice: EngineChoice
  storage: StorageSettings['kind']
  /** One at work that says nothing for this long is killed: it stands still, or computes without end. */
  silenceSeconds: number
}

/**
 * Forks a trainer, which loads its engine and waits for a job. It has its own memory and ends with its worker, so a
 * crash in native code is the end of one attempt and of nothing else.
 * @param slot - of the worker
 */
export function forkTrainer(
  { choice, storage, silenceSeconds }: TrainerKind,
  slot: number,
  logger: Logger,
): TrainerProcess {
  const entry = fileURLToPath(new URL(`./trainer/main${import.meta.url.slice(-3)}`, import.meta.url))
  const inherited = inheritedEnvironment(storage)
  const child = fork(entry, [], {
    env: { ...inherited, ...engineEnvironment(choice, slot, inherited) },
    execArgv: ['--disable-warning=DEP0040'], // punycode, in the dependencies of tfjs
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const log = createTrainerLog(logger)
  for (const stream of [child.stdout, child.stderr]) if (stream) log.follow(stream)
  const oomKillsBefore = countOomKills()
  logger.debug({ trainerPid: child.pid }, 'trainer forked')
  const tell = (message: WorkerMessage) => child.connected && child.send(message, () => {}) // a lost child is seen by its exit
  const killAfter = (ms: number) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), ms)
    child.once('exit', () => clearTimeout(timer))
  }
  let silence: NodeJS.Timeout | null = null
  const giveUp = () => {
    logger.warn({ trainerPid: child.pid, silenceSeconds }, 'a trainer says nothing any more; it is killed')
    child.kill('SIGKILL')
  }
  child.once('exit', () => clearTimeout(silence ?? undefined))
  let end: TrainerEnd | null = null
  let report: (message: TrainerReport) => void = () => {}
  let tellLoaded: (engine: { device: string }) => void = () => {}
  child.on('message', raw => {
    silence?.refresh()
    const message = tryParse(raw)
    switch (message?.type) {
      case 'alive':
        return
      case 'loaded':
        return tellLoaded(message)
      case 'progress':
      case 'epoch':
      case 'checkpoint':
      case 'planned':
        return report(message)
      case undefined:
        end = { type: 'failed', code: 'TRAINER_FAILED', message: NOT_UNDERSTOOD }
        child.kill('SIGKILL')
        return
      default:
        end = message
        if (child.connected) child.disconnect()
        killAfter(STOP_GRACE_MS)
    }
  })
  tell({ type: 'load', choice })
  const ended = waitForEnd(child).then((exit): TrainerEnd => {
    const sawOomKill = (countOomKills() ?? 0) > (oomKillsBefore ?? 0)
    return end ?? { type: 'crashed', ...exit, sawOomKill }
  })
  const loaded = new Promise<{ device: string }>((resolve, reject) => {
    tellLoaded = resolve
    ended.then(how => reject(new Error(`a trainer cannot load its engine: ${explain(how)}`)), reject)
  })
  loaded.catch(() => {}) // who waits for it hears of it
  return {
    loaded,
    ended,
    start(job, onReport) {
      report = onReport
      tell({ type: 'start', job })
      silence = setTimeout(giveUp, silenceSeconds * 1_000)
    },
    stop(options) {
      tell({ type: 'stop', ...options })
      killAfter(options.checkpoint ? CHECKPOINT_GRACE_MS : STOP_GRACE_MS)
    },
    logTail: () => log.tail(),
    kill: () => void child.kill('SIGKILL'),
  }
}

const NOT_UNDERSTOOD = 'the trainer sent a message that nobody understands'

function explain(end: TrainerEnd): string {
  if (end.type === 'failed') return end.message
  if (end.type === 'crashed') return `it ended by ${end.signal ?? `exit code ${end.exitCode}`}`
  return 'it ended'
}

/** What a process that computes gets of the environment. @param storage - what it reads and writes */
export function inheritedEnvironment(storage: StorageSettings['kind']): NodeJS.ProcessEnv {
  const isNeeded = (name: string) =>
    ENVIRONMENT.test(name) || (storage === 's3' && BUCKET_ENVIRONMENT.test(name))
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => isNeeded(name)))
}

/** @returns null for what is no message: an error here would end the worker and all its jobs */
function tryParse(raw: unknown): TrainerMessage | null {
  try {
    return parseMessage(TrainerMessageSchema, raw)
  } catch {
    return null
  }
}

/** Resolves when the process is gone and its last lines are read; its event `close` needs its own disconnect. */
export async function waitForEnd(
  child: ChildProcess,
): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }> {
  const [exitCode, signal] = await Promise.race([
    once(child, 'exit'),
    once(child, 'error').then(([error]) => Promise.reject(error)),
  ])
  const streams = [child.stdout, child.stderr].flatMap(stream => stream ?? [])
  await Promise.allSettled(streams.map(stream => finished(stream)))
  return { exitCode, signal }
}
