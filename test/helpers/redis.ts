import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { Release } from './service.ts'
import { until } from './until.ts'

/** Whether this machine has a Redis. Where CI is set, it must. */
export function hasRedis(): boolean {
  const isThere = spawnSync('redis-server', ['--version']).status === 0
  if (!isThere && process.env.CI)
    throw new Error('redis-server is required where CI is set; .ci/run installs it')
  return isThere
}

/** A Redis of the test's own on a free loopback port, durable and without eviction. */
export async function startRedis(release: Release): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'trainyard-redis-'))
  const port = await findFreePort()
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes']
  const server = spawn('redis-server', [...settings, '--maxmemory-policy', 'noeviction'], { stdio: 'pipe' })
  let output = ''
  server.stdout.on('data', piece => {
    output += piece
  })
  release(async () => {
    const gone = once(server, 'exit')
    server.kill('SIGTERM')
    await gone
    await rm(folder, { recursive: true, force: true })
  })
  await until(() => output.includes('Ready to accept connections'), { what: 'a ready Redis' })
  return `redis://127.0.0.1:${port}`
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (!address || typeof address === 'string') throw new Error('no free port')
  return address.port
}
