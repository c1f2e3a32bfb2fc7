import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'

/** FastAPI at work. */
export interface Peer {
  label: string
  url: string
  stop(): Promise<void>
}

const START_MS_MAX = 60_000

/** How uvicorn runs: as it comes by itself, and with the faster parts of its extra `standard`. */
export const PEERS = [
  { label: 'uvicorn', args: ['--loop', 'asyncio', '--http', 'h11'] },
  { label: 'uvicorn[standard]', args: ['--loop', 'uvloop', '--http', 'httptools'] },
] as const

/** Starts it, in the Python environment of setup-peers.mjs. @returns null where that is not set up */
export async function startPeer({ label, args }: (typeof PEERS)[number]): Promise<Peer | null> {
  const folder = process.env.TRAINYARD_PEERS_DIR || path.join(os.homedir(), '.cache', 'trainyard', 'peers')
  const uvicorn = path.join(folder, 'bin', 'uvicorn')
  if (!existsSync(uvicorn)) return null
  const port = await freePort()
  const quiet = ['--no-access-log', '--log-level', 'warning']
  const child = spawn(uvicorn, ['fastapi_pytorch:app', '--port', String(port), ...args, ...quiet], {
    cwd: path.resolve('bench', 'serving'),
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  })
  const gone = once(child, 'exit')
  const stop = async () => {
    child.kill('SIGTERM')
    await gone
  }
  const url = `http://127.0.0.1:${port}`
  for (const startedMs = performance.now(); performance.now() - startedMs < START_MS_MAX; ) {
    if (child.exitCode !== null) break
    if (
      await fetch(`${url}/docs`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return { label, url, stop }
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  await stop()
  throw new Error('the peer did not start')
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a port was asked for')
  return address.port
}
