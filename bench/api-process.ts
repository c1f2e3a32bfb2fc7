import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** An API process by itself. */
export interface ApiProcess {
  url: string
  stop(): Promise<void>
}

/** Starts an API process on a data folder, with the settings of this process; its log goes into the folder. */
export async function startApi(dataDir: string): Promise<ApiProcess> {
  const entry = fileURLToPath(new URL('../src/server.js', import.meta.url))
  const log = openSync(path.join(dataDir, 'service.log'), 'a')
  const child: ChildProcess = spawn(process.execPath, [entry], {
    env: { ...process.env, TRAINYARD_DATA_DIR: dataDir, PORT: '0' },
    stdio: ['ignore', log, log, 'ipc'],
  })
  const gone = once(child, 'exit')
  const [message] = await once(child, 'message')
  return {
    url: (message as { url: string }).url,
    async stop() {
      child.kill('SIGTERM')
      await gone
    },
  }
}
