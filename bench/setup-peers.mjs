// node bench/setup-peers.mjs: the libraries that `npm run bench -- training` and `-- serving` are compared with, in a Python environment
// of their own, kept in the cache folder beside TensorFlow's. What cannot be installed is named in one line and left
// out; a second run only proves what is there. Versions are pinned, so that figures can be made again.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** All of them take it; it is named in each call, so that none moves it. */
const NUMPY = 'numpy==2.4.6'

/** By the module that proves it; torch is the ordinary wheel, which brings its CUDA libraries. */
const PEERS = [
  { module: 'keras', requirements: ['tensorflow-cpu==2.21.0', 'keras==3.15.1'] },
  { module: 'jax', requirements: ['jax==0.10.2', 'optax==0.2.8'] },
  { module: 'sklearn', requirements: ['scikit-learn==1.9.1'] },
  { module: 'torch', requirements: ['torch==2.15.0'] },
  { module: 'fastapi', requirements: ['fastapi==0.165.0', 'uvicorn[standard]==0.54.0', 'pillow==13.0.0'] },
]
const PIP = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:']

const folder = path.resolve(
  process.env.TRAINYARD_PEERS_DIR || path.join(os.homedir(), '.cache', 'trainyard', 'peers'),
)
const python = path.join(folder, 'bin', 'python')

if (!existsSync(python)) {
  mkdirSync(path.dirname(folder), { recursive: true })
  if (!succeeds('python3', ['-m', 'venv', folder])) {
    console.error('The peers cannot be set up: it needs python3 with venv, which is not there')
    process.exit(1)
  }
}
for (const { module, requirements } of PEERS) {
  const names = requirements.join(' ')
  if (versionOf(module) === null) {
    console.log(`Installing ${names} …`)
    if (!succeeds(python, [...PIP, NUMPY, ...requirements])) {
      console.error(`Skipped ${names}: pip cannot install it here`)
      continue
    }
  }
  const version = versionOf(module)
  console.log(version === null ? `Skipped ${names}: it cannot be imported` : `${module} ${version}`)
}

/** @returns null when it is not there or does not load */
function versionOf(module) {
  try {
    const script = `import ${module}; print(${module}.__version__)`
    const options = {
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }
    return execFileSync(python, ['-c', script], options).toString().trim().split('\n').at(-1)
  } catch {
    return null
  }
}

function succeeds(command, args) {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    return true
  } catch {
    return false
  }
}
