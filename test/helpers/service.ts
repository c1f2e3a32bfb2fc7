import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { createTestDatabase } from './database.ts'
import { stripes } from './idx.ts'
import { remember } from './started-processes.ts'
import { until } from './until.ts'

/** Registers what is to be done at the end of a test, or of a file with `releaseAfterFile`. */
export type Release = (close: () => Promise<void>) => void

/** A process of the service under test. */
export interface ServiceProcess {
  child: ChildProcess
  pid: number
  /** All that it wrote, for searching. */
  output(): string
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** Real processes, a database of their own and a client for them. */
export interface TestService {
  /** Address of the API that was started last. */
  readonly url: string
  databaseUrl: string
  dataDir: string
  environment: NodeJS.ProcessEnv
  /** The API that was started last. */
  readonly api: ServiceProcess
  /** Starts an API process, on a port of its own, to which requests go once it is ready. */
  startApi(): Promise<ServiceProcess>
  /** Starts another API process of the same service, to which no requests go. */
  startOtherApi(environment: NodeJS.ProcessEnv): Promise<ServiceProcess & { url: string }>
  startWorker(environment?: NodeJS.ProcessEnv): Promise<ServiceProcess>
  request(path: string, init?: RequestInit): Promise<Response>
  /** The body of an answer, which must be a good one. */
  json<T = Json>(path: string, init?: RequestInit): Promise<T>
  /** Uploads a small dataset and gives its id. */
  uploadStripes(examples?: number): Promise<string>
  /** Submits a small network and gives its id. */
  submit(datasetId: string, request?: object): Promise<string>
  /** Waits until a job's field has a value. */
  untilJob(id: string, condition: (job: Json) => boolean, what?: string): Promise<Json>
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely, a wrong field fails the test
export type Json = Record<string, any>

/** The key of every service under test. */
export const TEST_KEY = 'ty_test_0123456789abcdef0123456789abcdef'

const SMALL_NETWORK = {
  layers: [
    { type: 'dense', units: 8, activation: 'relu' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
}

/**
 * Starts an API process on a free port with a database of its own; workers are started by the test.
 * @param options.databaseUrl - an empty database to use instead
 */
export async function startTestService(
  options: { environment?: NodeJS.ProcessEnv; release?: Release; databaseUrl?: string } = {},
): Promise<TestService> {
  const { release = onTestFinished } = options
  const databaseUrl = options.databaseUrl ?? (await createTestDatabase(release))
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'trainyard-data-'))
  release(() => rm(dataDir, { recursive: true, force: true }))
  const environment = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    PORT: '0',
    DATABASE_URL: databaseUrl,
    TRAINYARD_DATA_DIR: dataDir,
    TRAINYARD_API_KEY: TEST_KEY,
    TRAINYARD_LEASE_SECONDS: '5',
    LOG_LEVEL: 'info',
    TRAINYARD_ENGINE: process.env.TEST_ENGINE ?? 'portable',
    ...options.environment,
  }
  const startProcessOfApi = async (more: NodeJS.ProcessEnv) => {
    const started = startProcess('src/server', { ...environment, ...more }, release)
    const url = await until(() => /"url":"([^"]+)"/.exec(started.output())?.[1], { what: 'a ready API' })
    return { ...started, url }
  }
  let api = await startProcessOfApi({})
  const startApi = async () => {
    api = await startProcessOfApi({})
    return api
  }
  const request = (where: string, init: RequestInit = {}) =>
    fetch(`${api.url}${where}`, {
      ...init,
      headers: { authorization: `Bearer ${TEST_KEY}`, ...init.headers },
    })
  const json = async <T = Json>(where: string, init?: RequestInit) => {
    const response = await request(where, init)
    if (!response.ok) throw new Error(`${where}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
  const post = (where: string, body: object) =>
    json(where, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
  return {
    get url() {
      return api.url
    },
    get api() {
      return api
    },
    databaseUrl,
    dataDir,
    environment,
    startApi,
    startOtherApi: startProcessOfApi,
    request,
    json,
    async startWorker(more = {}) {
      const worker = startProcess('worker/main', { ...environment, ...more }, release)
      await until(() => worker.output().includes('the worker is ready'), { what: 'a ready worker' })
      return worker
    },
    async uploadStripes(examples = 90) {
      const { images, labels } = stripes(examples)
      const test = stripes(30, 3, 6, 2)
      const form = new FormData()
      form.set('name', 'stripes')
      form.set('trainImages', new Blob([new Uint8Array(images)]), 'train-images')
      form.set('trainLabels', new Blob([new Uint8Array(labels)]), 'train-labels')
      form.set('testImages', new Blob([new Uint8Array(test.images)]), 'test-images')
      form.set('testLabels', new Blob([new Uint8Array(test.labels)]), 'test-labels')
      return (await json('/v1/datasets', { method: 'POST', body: form })).id
    },
    async submit(datasetId, more = {}) {
      const defaults = { name: 'stripes', training: { epochs: 3, batchSize: 10, seed: 1 } }
      return (await post('/v1/jobs', { ...defaults, datasetId, network: SMALL_NETWORK, ...more })).id
    },
    untilJob: (id, condition, what = 'the state of the job') =>
      until(
        async () => {
          const job = await json(`/v1/jobs/${id}`)
          return condition(job) ? job : null
        },
        { timeoutMs: 120_000, what },
      ),
  }
}

/** Starts a compiled entry as a real process; killed at the release if it still runs. */
export function startProcess(
  entry: string,
  environment: NodeJS.ProcessEnv,
  release: Release,
  args: readonly string[] = [],
): ServiceProcess {
  const file = fileURLToPath(new URL(`../../dist/${entry}.js`, import.meta.url))
  const child = spawn(process.execPath, [file, ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  remember(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', piece => {
      output += piece
    })
  }
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  const end = async (signal: NodeJS.Signals) => {
    if (!hasEnded()) {
      const gone = once(child, 'exit')
      child.kill(signal)
      await gone
    }
    return { code: child.exitCode, signal: child.signalCode }
  }
  release(async () => void (await end('SIGKILL')))
  return { child, pid: child.pid ?? 0, output: () => output, end }
}
