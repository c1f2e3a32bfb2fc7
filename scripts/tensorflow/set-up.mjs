// The native engine: takes libtensorflow from its PyPI wheel (pinned, checked by hash), and compiles the binding of
// @tensorflow/tfjs-node-gpu against it. Everything is kept outside node_modules, so npm ci does not lose it; a second
// run only proves that it works. Where an NVIDIA driver is, the wheel for GPUs and its CUDA libraries are taken,
// unless TRAINYARD_DEVICE is cpu.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** Only the libraries and headers of the wheels are used, so one Python's are as good as any. */
const WHEEL_TAGS = [
  ...['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311', '--abi', 'none'],
  ...[
    'manylinux_2_27_x86_64',
    'manylinux_2_17_x86_64',
    'manylinux2014_x86_64',
    'manylinux_2_18_x86_64',
  ].flatMap(platform => ['--platform', platform]),
]

const EXTRACT = `
import pathlib, sys, zipfile
for wheel in pathlib.Path(sys.argv[1]).glob('*.whl'):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(('tensorflow/include/', 'tensorflow/libtensorflow_')) or '/lib/lib' in name:
                archive.extract(name, sys.argv[1])
    wheel.unlink()
`

const PROOF = `
const binding = require(process.argv[1])
const input = binding.createTensor([1], binding.TF_FLOAT, new Float32Array([3]))
const attributes = [{ name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }]
const [output] = binding.executeOp('Square', attributes, [input], 1)
const device = binding.isUsingGpuDevice() ? 'gpu' : 'cpu'
if (process.argv[2] === 'gpu' && device === 'cpu') console.log('The GPU cannot be used; TF_CPP_MIN_LOG_LEVEL=0 tells why as a worker starts.')
console.log('TensorFlow ' + binding.TF_Version + ' on ' + device + ': 3 squared is ' + binding.tensorDataSync(output.id)[0])
`

/**
 * Sets the engine up, or proves that it is.
 * @returns {boolean} whether it works; why not was said in one line then
 */
export function setUpTensorflow() {
  const folder = path.resolve(
    process.env.TRAINYARD_TENSORFLOW_DIR || path.join(os.homedir(), '.cache', 'trainyard', 'tensorflow'),
  )
  try {
    const isComplete = ['tfjs_binding.node', ...(wantsGpu() ? ['nvidia'] : [])].every(part =>
      existsSync(path.join(folder, part)),
    )
    if (!isComplete) install(folder)
    prove(folder)
    return true
  } catch (error) {
    console.error(`The TensorFlow engine cannot be set up: ${error.message.split('\n')[0]}`)
    const isThere = existsSync(path.join(folder, 'tfjs_binding.node'))
    console.error(isThere ? 'What was set up before stays.' : 'The portable engine is used instead.')
    return false
  }
}

function install(folder) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`it needs Linux on x64; this is ${process.platform} on ${process.arch}`)
  }
  for (const tool of ['python3', 'g++']) {
    if (!succeeds(tool, '--version')) throw new Error(`it needs ${tool}, which is not there`)
  }
  if (!succeeds('python3', '-m', 'pip', '--version')) throw new Error('it needs pip, which is not there')
  mkdirSync(path.dirname(folder), { recursive: true })
  const work = mkdtempSync(`${folder}-`)
  try {
    download(work)
    console.log('Compiling the binding …')
    compile(path.join(work, 'tensorflow'))
    if (existsSync(path.join(work, 'nvidia'))) {
      renameSync(path.join(work, 'nvidia'), path.join(work, 'tensorflow', 'nvidia'))
    }
    rmSync(folder, { recursive: true, force: true })
    renameSync(path.join(work, 'tensorflow'), folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function download(work) {
  console.log(`Downloading TensorFlow for the ${wantsGpu() ? 'GPU (2.5 GB)' : 'CPU (270 MB)'} …`)
  const requirements = fileURLToPath(new URL(`${wantsGpu() ? 'gpu' : 'cpu'}.txt`, import.meta.url))
  const options = [
    '--no-deps',
    '--only-binary=:all:',
    '--require-hashes',
    '--quiet',
    '--disable-pip-version-check',
  ]
  run('python3', ['-m', 'pip', 'download', ...options, ...WHEEL_TAGS, '-d', work, '-r', requirements])
  run('python3', ['-c', EXTRACT, work])
}

/** Node's C interface is stable over versions, so the headers come from a package and the result fits every Node. */
function compile(target) {
  const require = createRequire(import.meta.url)
  const sources = path.dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'))
  const headers = require('node-api-headers').include_dir
  const includes = [headers, sources, path.dirname(sources), path.join(target, 'include')].flatMap(dir => [
    '-I',
    dir,
  ])
  const files = ['tfjs_backend.cc', 'tfjs_binding.cc'].map(name => path.join(sources, 'binding', name))
  const libraries = ['-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2', '-Wl,-rpath,$ORIGIN']
  const flags = ['-O2', '-std=c++17', '-shared', '-fPIC', '-DNAPI_VERSION=8', '-w']
  const output = ['-o', path.join(target, 'tfjs_binding.node')]
  run('g++', [...flags, ...includes, ...files, `-L${target}`, ...libraries, ...output])
  rmSync(path.join(target, 'include'), { recursive: true })
}

/** Where there is an NVIDIA driver, unless only the CPU is to be used; a container may hide the driver's part of /proc. */
function wantsGpu() {
  if (process.env.TRAINYARD_DEVICE?.trim() === 'cpu') return false
  return existsSync('/proc/driver/nvidia/version') || existsSync('/dev/nvidiactl')
}

function prove(folder) {
  const nvidia = path.join(folder, 'nvidia')
  const libraries = existsSync(nvidia) ? readdirSync(nvidia).map(part => path.join(nvidia, part, 'lib')) : []
  const inherited = process.env.LD_LIBRARY_PATH ? [process.env.LD_LIBRARY_PATH] : []
  const LD_LIBRARY_PATH = [...libraries, ...inherited].join(':')
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2', LD_LIBRARY_PATH }
  const stdio = ['ignore', 'inherit', 'ignore'] // TensorFlow greets on standard error
  execFileSync(
    process.execPath,
    ['-e', PROOF, path.join(folder, 'tfjs_binding.node'), wantsGpu() ? 'gpu' : 'cpu'],
    { env, stdio },
  )
}

function run(command, args) {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function succeeds(command, ...args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
