// npm run setup:tensorflow: the native engine. Takes libtensorflow from its PyPI wheel (pinned, checked by hash), and
// compiles the binding of @tensorflow/tfjs-node-gpu against it. Everything is kept outside node_modules, so npm ci
// does not lose it; a second run only proves that it works. Nothing here is needed for the portable engine.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { assertNode, ensureInstalled } from './ready.mjs'

const VERSION = '2.21.0'
const WHEEL_SHA256 = '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c'

/** The wheel of one Python is as good as any: only its libraries and headers are used. */
const WHEEL_TAGS = [
  '--python-version',
  '3.11',
  '--implementation',
  'cp',
  '--abi',
  'cp311',
  '--platform',
  'manylinux_2_27_x86_64',
]

const EXTRACT = `
import sys, zipfile
wheel, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name.startswith(('tensorflow/include/', 'tensorflow/libtensorflow_')):
            archive.extract(name, target)
`

const PROOF = `
const binding = require(process.argv[1])
const input = binding.createTensor([1], binding.TF_FLOAT, new Float32Array([3]))
const attributes = [{ name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }]
const [output] = binding.executeOp('Square', attributes, [input], 1)
const device = binding.isUsingGpuDevice() ? 'gpu' : 'cpu'
console.log('TensorFlow ' + binding.TF_Version + ' on ' + device + ': 3 squared is ' + binding.tensorDataSync(output.id)[0])
`

assertNode()
ensureInstalled()
const folder = path.resolve(
  process.env.TRAINYARD_TENSORFLOW_DIR || path.join(os.homedir(), '.cache', 'trainyard', 'tensorflow'),
)
const addon = path.join(folder, 'tfjs_binding.node')

try {
  if (!existsSync(addon)) install()
  prove()
} catch (error) {
  console.error(`The TensorFlow engine cannot be set up: ${error.message.split('\n')[0]}`)
  console.error('The portable engine is used instead.')
  process.exit(1)
}

function install() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`it needs Linux on x64; this is ${process.platform} on ${process.arch}`)
  }
  for (const tool of ['python3', 'g++']) {
    if (!succeeds(tool, '--version')) throw new Error(`it needs ${tool}, which is not there`)
  }
  mkdirSync(path.dirname(folder), { recursive: true })
  const work = mkdtempSync(`${folder}-`)
  try {
    console.log(`Downloading TensorFlow ${VERSION} (270 MB) …`)
    const requirements = path.join(work, 'requirements.txt')
    writeFileSync(requirements, `tensorflow-cpu==${VERSION} --hash=sha256:${WHEEL_SHA256}\n`)
    const options = [
      '--no-deps',
      '--only-binary=:all:',
      '--require-hashes',
      '--quiet',
      '--disable-pip-version-check',
    ]
    run('python3', ['-m', 'pip', 'download', ...options, ...WHEEL_TAGS, '-d', work, '-r', requirements])
    const wheel = path.join(work, `tensorflow_cpu-${VERSION}-cp311-cp311-manylinux_2_27_x86_64.whl`)
    run('python3', ['-c', EXTRACT, wheel, work])
    rmSync(wheel)
    console.log('Compiling the binding …')
    compile(path.join(work, 'tensorflow'))
    rmSync(folder, { recursive: true, force: true })
    renameSync(path.join(work, 'tensorflow'), folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
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

function prove() {
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' }
  const stdio = ['ignore', 'inherit', 'ignore'] // TensorFlow greets on standard error
  execFileSync(process.execPath, ['-e', PROOF, addon], { env, stdio })
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
