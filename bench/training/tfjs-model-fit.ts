import { createRequire, Module } from 'node:module'
import path from 'node:path'
import util from 'node:util'
import type * as Core from '@tensorflow/tfjs-core'
import type * as Layers from '@tensorflow/tfjs-layers'
import { readConfig } from '../../src/config.ts'
import { findAddon } from '../../worker/engines/tensorflow/locate.ts'
import { readJob, report } from './contest.ts'
import type { ContestantJob } from './jobs.ts'
import { FEATURES, readMnist } from './mnist.ts'

/** A contestant: TensorFlow.js as its manual has it, `model.fit`, on tfjs-node's binding or else on wasm. */
type Tensorflow = Omit<typeof Core, 'default'> & Omit<typeof Layers, 'default'>

const require = createRequire(import.meta.url)
const CLASSES = 10

const job = readJob()
const tf = await loadTensorflow()
await train(tf, job)

async function train(tf: Tensorflow, job: ContestantJob): Promise<void> {
  const model = tf.sequential()
  job.hidden.forEach((units, index) => {
    const inputShape = index === 0 ? { inputShape: [FEATURES] } : {}
    model.add(tf.layers.dense({ units, activation: 'relu', ...inputShape }))
    if (job.dropout > 0) model.add(tf.layers.dropout({ rate: job.dropout }))
  })
  model.add(tf.layers.dense({ units: CLASSES, activation: 'softmax' }))
  model.compile({
    optimizer: tf.train.adam(job.learningRate),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy'],
  })
  const [train, test] = [readTensors(tf, 'train'), readTensors(tf, 't10k')]
  const epochSeconds: number[] = []
  const accuracies: number[] = []
  let startedMs = 0
  await model.fit(train.features, train.labels, {
    epochs: job.epochs,
    batchSize: job.batchSize,
    validationData: [test.features, test.labels],
    verbose: 0,
    callbacks: {
      onEpochBegin: async () => {
        startedMs = performance.now()
      },
      onEpochEnd: async (_, logs) => {
        epochSeconds.push((performance.now() - startedMs) / 1_000)
        accuracies.push(logs?.val_acc ?? 0)
      },
    },
  })
  const versions = { tfjs: tf.version_core, backend: tf.getBackend(), node: process.versions.node }
  report({ versions, epochSeconds, accuracies })
}

function readTensors(tf: Tensorflow, prefix: 'train' | 't10k') {
  const { features, labels } = readMnist(job.data, prefix)
  return {
    features: tf.tensor2d(
      Float32Array.from(features, pixel => pixel / 255),
      [labels.length, FEATURES],
    ),
    labels: tf.cast(tf.oneHot(tf.tensor1d(labels, 'int32'), CLASSES), 'float32'),
  }
}

async function loadTensorflow(): Promise<Tensorflow> {
  const addon = findAddon(readConfig(process.env).tensorflowDir)
  if (addon) {
    // tfjs-node asks node-pre-gyp where its addon is; set-up keeps it outside node_modules, so somebody else answers.
    const locator = require.resolve('@mapbox/node-pre-gyp')
    const exports = { find: () => addon }
    require.cache[locator] = Object.assign(new Module(locator), { exports, loaded: true })
    // Node 23 removed two functions that every operation of tfjs-node calls.
    Object.assign(util, {
      isNullOrUndefined: (value: unknown) => value === null || value === undefined,
      isArray: Array.isArray,
    })
    return require('@tensorflow/tfjs-node-gpu')
  }
  const core: typeof Core = require('@tensorflow/tfjs-core')
  const layers: typeof Layers = require('@tensorflow/tfjs-layers')
  const wasm = require('@tensorflow/tfjs-backend-wasm')
  const folder = path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))
  wasm.setWasmPaths(path.join(folder, 'dist', path.sep))
  await core.setBackend('wasm')
  return { ...core, ...layers }
}
