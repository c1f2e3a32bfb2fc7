import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

/** TensorFlow takes seconds to start, on a busy machine many. */
const PYTHON_MS_MAX = 230_000

/** How long a test may take that runs Python. */
export const PYTHON_TEST = { timeout: PYTHON_MS_MAX + 10_000 }

/** Python with Keras and TensorFlow, which `node bench/setup-peers.mjs` makes. */
const PYTHON = path.join(
  process.env.TRAINYARD_PEERS_DIR || path.join(os.homedir(), '.cache', 'trainyard', 'peers'),
  'bin',
  'python',
)

/** Whether Python is there with these modules; a test that needs them is skipped by name where it is not. */
export async function hasPython(...modules: string[]): Promise<boolean> {
  if (!existsSync(PYTHON)) return false
  const names = JSON.stringify(modules)
  const code = `import importlib.util, sys; sys.exit(any(importlib.util.find_spec(m) is None for m in ${names}))`
  try {
    await promisify(execFile)(PYTHON, ['-c', code])
    return true
  } catch {
    return false
  }
}

/**
 * Runs a Python program to its end.
 * @throws Error with what it wrote, when it fails
 */
export async function runPython(code: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(PYTHON, ['-c', code, ...args], {
    env: {
      ...process.env,
      TF_CPP_MIN_LOG_LEVEL: '2',
      CUDA_VISIBLE_DEVICES: '-1',
      KERAS_BACKEND: 'tensorflow',
    },
    maxBuffer: 64 * 1024 ** 2,
    timeout: PYTHON_MS_MAX,
    killSignal: 'SIGKILL',
  })
  return stdout
}
