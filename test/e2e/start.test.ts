import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { createTestDatabase } from '../helpers/database.ts'
import { until } from '../helpers/until.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

async function startService(environment: NodeJS.ProcessEnv) {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'trainyard-start-'))
  await chmod(dataDir, 0o755)
  const child = spawn(process.execPath, ['scripts/run.mjs', 'launcher/main'], {
    cwd: root,
    env: { ...process.env, PORT: '0', TRAINYARD_DATA_DIR: dataDir, REDIS_URL: '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', piece => {
      output += piece
    })
  }
  onTestFinished(async () => {
    if (child.exitCode === null) {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    }
    await rm(dataDir, { recursive: true, force: true })
  })
  const url = await until(() => /Trainyard is ready at (\S+)/.exec(output)?.[1], { what: 'a ready service' })
  return { child, url, dataDir, output: () => output }
}

it.each(['embedded', 'external'])(
  'npm start runs on %s Postgres, shows its key once, and ends with 0 on SIGINT',
  async kind => {
    const databaseUrl = kind === 'external' ? await createTestDatabase() : ''
    const service = await startService({ DATABASE_URL: databaseUrl })
    const keyFile = path.join(service.dataDir, 'api-key')
    const key = (await readFile(keyFile, 'utf8')).trim()
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
    expect(service.output().split(key)).toHaveLength(2)
    const ready = await until(async () => {
      const answer = await (await fetch(`${service.url}/readyz`)).json()
      return (answer as { status: string }).status === 'ready' ? answer : null
    })
    expect(ready).toEqual({ status: 'ready', parts: { database: 'ok', queue: 'ok', storage: 'ok' } })
    const workers = await fetch(`${service.url}/v1/workers`, { headers: { authorization: `Bearer ${key}` } })
    expect(((await workers.json()) as { data: unknown[] }).data).toHaveLength(1)
    const gone = once(service.child, 'exit')
    service.child.kill('SIGINT')
    expect(await gone).toEqual([0, null])
    await expect(fetch(`${service.url}/healthz`)).rejects.toThrow()
  },
)
