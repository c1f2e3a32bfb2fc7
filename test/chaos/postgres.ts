import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { startEmbeddedPostgres } from '../../src/db/embedded-postgres.ts'
import { childrenOf, isAlive, signalTo } from '../helpers/processes.ts'
import { findFreePort } from '../helpers/redis.ts'
import type { Release } from '../helpers/service.ts'
import { until } from '../helpers/until.ts'

/** A Postgres of the test's own, which may be killed and started again at its address. Its writes are durable. */
export interface PostgresServer {
  url: string
  /** `kill -9` of all its processes: as if the machine had lost its power. */
  kill(): Promise<void>
  start(): Promise<void>
  /** SIGSTOP or SIGCONT to all of its processes: it holds its connections and answers nothing. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void>
}

/** Starts it on a free loopback port. */
export async function startPostgresServer(release: Release): Promise<PostgresServer> {
  const parent = await mkdtemp(path.join(os.tmpdir(), 'trainyard-chaos-'))
  await chmod(parent, 0o755) // as root, the server runs under another account
  const folder = path.join(parent, 'postgres')
  const port = String(await findFreePort())
  const startOnce = () => startEmbeddedPostgres(folder, { port })
  let server = await startOnce()
  release(async () => {
    await server.stop()
    await rm(parent, { recursive: true, force: true })
  })
  const pids = async () => {
    const file = await readFile(path.join(folder, 'cluster', 'postmaster.pid'), 'utf8')
    const pid = Number(file.split('\n')[0])
    return [pid, ...childrenOf(pid)]
  }
  return {
    url: server.url,
    async signal(signal) {
      for (const pid of await pids()) signalTo(pid, signal)
    },
    async kill() {
      const all = await pids()
      for (const one of all) signalTo(one, 'SIGKILL')
      await until(() => !all.some(isAlive), { what: 'the end of Postgres' })
    },
    async start() {
      // The system needs a moment to let go of the memory that the dead processes shared.
      server = await until(() => startOnce().catch(() => null), { what: 'Postgres to start again' })
    },
  }
}
