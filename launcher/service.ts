import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config } from '../src/config.ts'
import { startEmbeddedPostgres } from '../src/db/embedded-postgres.ts'

/** The whole service under one parent: API, worker and, without DATABASE_URL, a Postgres of its own. */
export interface Service {
  /** Address of the API. */
  url: string
  /** Resolves with the reason when a process cannot be kept alive. */
  readonly failed: Promise<Error>
  /** Ends every process, in good order; once again: at once. */
  stop(): Promise<void>
}

/** Where the processes' output goes. */
export type Output = 'inherit' | number

const RESTART_MS = 1_000

/**
 * How Node runs each process. A worker makes few short-lived objects: a small nursery for them saves tens of megabytes. In the API
 * a small one would be emptied in the middle of requests, and what they work with be taken for something that stays.
 */
const NODE_FLAGS = { 'src/server': [], 'worker/main': ['--max-semi-space-size=4'] }

/**
 * Starts the service and waits until it can take and train jobs. Children get process groups of their own, so that
 * a terminal's Ctrl-C reaches only the parent, which ends them in order.
 * @param onStarting - gets the way to end what runs already, before the service is ready
 * @throws Error when a process cannot start
 */
export async function startService(
  config: Config,
  output: Output,
  onStarting: (stop: () => Promise<void>) => void,
): Promise<Service> {
  const postgres = config.databaseUrl
    ? null
    : await startEmbeddedPostgres(path.join(config.dataDir, 'postgres'))
  const children: Supervised[] = []
  const stop = async () => {
    await Promise.all(children.map(child => child.stop()))
    await postgres?.stop()
  }
  onStarting(stop)
  const environment = { ...process.env, DATABASE_URL: config.databaseUrl ?? postgres?.url }
  let fail: (reason: Error) => void = () => {}
  const failed = new Promise<Error>(resolve => {
    fail = resolve
  })
  const start = (entry: keyof typeof NODE_FLAGS, env: NodeJS.ProcessEnv) => {
    const child = supervise(entry, env, output, fail)
    children.push(child)
    return child.ready
  }
  try {
    const apiEnvironment = { ...environment, PORT: String(config.port) }
    const { url } = await start('src/server', apiEnvironment)
    if (!url) throw new Error('the API must say where it listens')
    apiEnvironment.PORT = new URL(url).port // should it be started again, then at the same address
    await start('worker/main', environment)
    return { url, failed, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A child that is started again when it ends by itself. */
interface Supervised {
  ready: Promise<{ url?: string }>
  stop(): Promise<void>
}

function supervise(
  entry: keyof typeof NODE_FLAGS,
  env: NodeJS.ProcessEnv,
  output: Output,
  onGivenUp: (reason: Error) => void,
): Supervised {
  const file = fileURLToPath(new URL(`../${entry}${import.meta.url.slice(-3)}`, import.meta.url))
  let isStopping = false
  let isKilling = false
  let child: ChildProcess

  const start = (): Promise<{ url?: string }> =>
    new Promise((resolve, reject) => {
      child = fork(file, [], {
        env,
        execArgv: NODE_FLAGS[entry],
        detached: true,
        stdio: ['ignore', output, output, 'ipc'],
      })
      let isReady = false
      child.once('message', (message: { url?: string }) => {
        isReady = true
        resolve(message)
      })
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        if (isStopping) return
        const reason = new Error(`${entry} ended by itself (${signal ?? `exit code ${code}`})`)
        if (!isReady) reject(reason)
        else setTimeout(() => isStopping || start().catch(onGivenUp), RESTART_MS)
      })
    })

  return {
    ready: start(),
    async stop() {
      if (isStopping) isKilling = true
      isStopping = true
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill(isKilling ? 'SIGKILL' : 'SIGTERM')
      await gone
    },
  }
}
