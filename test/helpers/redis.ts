import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { Redis } from 'ioredis'
import type { Release } from './service.ts'
import { until } from './until.ts'

/** Whether this machine has a Redis. Where CI is set, it must. */
export function hasRedis(): boolean {
  const isThere = spawnSync('redis-server', ['--version']).status === 0
  if (!isThere && process.env.CI)
    throw new Error('redis-server is required where CI is set; .ci/run installs it')
  return isThere
}

/** A Redis of the test's own, which may be ended and started again at its address. */
export interface RedisServer {
  url: string
  /** Ends it with a signal: SIGTERM in good order, SIGKILL at once. */
  end(signal: NodeJS.Signals): Promise<void>
  start(): Promise<void>
  /** FLUSHALL. */
  empty(): Promise<void>
}

/** A Redis of the test's own on a free loopback port, durable and without eviction. @returns its address */
export async function startRedis(release: Release): Promise<string> {
  return (await startRedisServer(release)).url
}

/** As `startRedis`, for tests that end it. */
export async function startRedisServer(release: Release): Promise<RedisServer> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-redis-'))
  const port = await findFreePort()
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes']
  let server: ChildProcess | null = null
  const end = async (signal: NodeJS.Signals) => {
    if (!server) return
    const gone = once(server, 'exit')
    if (server.exitCode === null && server.signalCode === null) {
      server.kill(signal)
      await gone
    }
    server = null
  }
  const start = async () => {
    const started = spawn('redis-server', [...settings, '--maxmemory-policy', 'noeviction'], {
      stdio: 'pipe',
    })
    server = started
    let output = ''
    started.stdout.on('data', piece => {
      output += piece
    })
    await until(() => output.includes('Ready to accept connections'), { what: 'a ready Redis' })
  }
  release(async () => {
    await end('SIGTERM')
    await rm(folder, { recursive: true, force: true })
  })
  await start()
  const url = `redis://127.0.0.1:${port}`
  const empty = async () => {
    const client = new Redis(url)
    await client.flushall()
    client.disconnect()
  }
  return { url, end, start, empty }
}

/** Below the ports that the system gives to connections, so that a server finds its port free when it is started again. */
const PORTS = { from: 15_000, count: 15_000 }

/** @see ip(7), ip_local_port_range */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = PORTS.from + randomInt(PORTS.count)
    const server = createServer().listen(port, '127.0.0.1')
    const [outcome] = await Promise.race([
      once(server, 'listening').then(() => ['free']),
      once(server, 'error').then(() => ['taken']),
    ])
    server.close()
    if (outcome === 'free') return port
  }
}
