import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import type { ExportFormat } from '../../src/models/exports/format-names.ts'
import type { Runtime } from './measure.ts'
import { unzip } from './unzip.ts'

/** Runs a format by peers.py in the Python environment of setup-peers.mjs. */
export function runInPython(format: ExportFormat): Runtime {
  return async (file, images, folder) => {
    const peers = process.env.TRAINYARD_PEERS_DIR || path.join(os.homedir(), '.cache', 'trainyard', 'peers')
    const python = path.join(peers, 'bin', 'python')
    if (!existsSync(python)) return null
    const place = path.join(folder, format)
    await mkdir(place)
    await writeFile(path.join(place, `model.${format}`), file)
    if (format === 'savedmodel') {
      for (const [name, content] of await unzip(file)) await writeFile(path.join(place, name), content)
    }
    await writeFile(path.join(place, 'images.bin'), images)
    await promisify(execFile)(python, [path.resolve('bench', 'exports', 'peers.py'), format, place], {
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2', CUDA_VISIBLE_DEVICES: '-1' },
    })
    const { buffer } = new Uint8Array(await readFile(path.join(place, 'answers.bin')))
    return new Float32Array(buffer)
  }
}
