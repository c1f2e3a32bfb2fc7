import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import { describe, expect, it } from 'vitest'
import { createPredictor } from '../../../src/inference/predictor.ts'
import { ACTIVATIONS, type ActivationName } from '../../../src/mlp/activations/registry.ts'
import { resolveLoss } from '../../../src/mlp/losses/registry.ts'
import { countOutputUnits, countParameters, resolveNetwork } from '../../../src/mlp/network.ts'
import { resolveOptimizer } from '../../../src/mlp/optimizers/registry.ts'
import { buildProgram } from '../../../src/mlp/program.ts'
import { createRandom } from '../../../src/mlp/random.ts'
import { readArtifact, writeArtifact } from '../../../src/models/artifact.ts'
import { createDiskBlobStore } from '../../../src/storage/disk-blob-store.ts'
import { createPortableEngine } from '../../../worker/engines/portable/engine.ts'
import { createTestFolder } from '../../helpers/folder.ts'
import type { LayerRequests } from '../../helpers/small-network.ts'

await createPortableEngine() // makes the wasm backend the current one

const COUNT = 5

/** Stores a model with random weights, and reads it back for the service and for TensorFlow.js. */
async function storeModel(
  shape: readonly number[],
  layers: LayerRequests,
  image?: { fit: 'fill'; invert: boolean; centerOfMass: boolean },
) {
  const inputUnits = shape.reduce((product, length) => product * length, 1)
  const network = resolveNetwork({ layers })
  const units = countOutputUnits(network, inputUnits)
  const preprocessing = { scale: 1 / 255, ...(image && { image }) }
  const loss = resolveLoss('meanSquaredError')
  const optimizer = resolveOptimizer({ type: 'sgd' })
  const program = buildProgram({
    task: 'classification',
    inputUnits,
    inputScaling: { scale: 1 / 255, offset: 0 },
    network,
    loss,
    optimizer,
    classWeights: null,
  })
  const random = createRandom(3, 'weights')
  const weights = new Map(
    program.variables.map(({ name, shape }) => {
      const length = shape.reduce((product, dimension) => product * dimension, 1)
      const isPositive = name.endsWith('variance')
      const draw = () => (isPositive ? 0.5 + random.uniform() : random.normal())
      return [name, Float32Array.from({ length }, draw)]
    }),
  )
  const blobs = createDiskBlobStore(await createTestFolder())
  const { files } = await writeArtifact(blobs, program, weights, {
    kind: 'classification',
    jobId: 'job_1',
    dataset: { id: 'ds_1', sha256: 'f'.repeat(64) },
    input: { shape: [...shape], dtype: 'uint8' },
    preprocessing,
    classes: Array.from({ length: Math.max(2, units) }, (_, index) => String(index)),
    network,
    loss,
    training: {},
    parameterCount: countParameters(network, inputUnits),
    metrics: {},
    engine: { name: 'portable', device: 'cpu', versions: {} },
  })
  const { modelTopology, weightsManifest } = JSON.parse((await blobs.read(files['model.json'])).toString())
  const weightData = new Uint8Array(await blobs.read(files['weights.bin'])).buffer
  const weightSpecs = weightsManifest.flatMap(({ weights }: { weights: object[] }) => weights)
  return {
    units,
    predictor: createPredictor(await readArtifact(blobs, files)),
    layersModel: await loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData })),
    features: Float32Array.from({ length: COUNT * inputUnits }, () => random.integer(256)),
  }
}

async function expectSameAnswers(...model: Parameters<typeof storeModel>) {
  const [shape] = model
  const { units, predictor, layersModel, features } = await storeModel(...model)
  const raw = tf.tensor(features, [COUNT, ...shape])
  const answer = layersModel.predict(raw) as tf.Tensor // one output, so one tensor
  const theirs = await answer.data<'float32'>()
  const ours = predictor.predict(features, COUNT)
  expect(theirs).toHaveLength(COUNT * units)
  expect(layersModel.countParams()).toBe(predictor.manifest.parameterCount)
  // One sigmoid unit gives the probability of the second of two classes.
  const compared = units === 1 ? ours.filter((_, index) => index % 2 === 1) : ours
  theirs.forEach((number, index) => {
    expect(Math.abs(number - (compared[index] ?? Number.NaN)), `output ${index}`).toBeLessThan(1e-5)
  })
  expect(new Set(theirs).size, 'the answers differ').toBeGreaterThan(COUNT - 1)
}

const dense = (units: number, activation: ActivationName) => ({ type: 'dense' as const, units, activation })
const NAMES = Object.keys(ACTIVATIONS) as ActivationName[]

const LAYERS: Record<string, LayerRequests> = {
  'a dense layer without bias': [{ ...dense(7, 'tanh'), useBias: false }],
  'a dense layer without bias before leakyRelu': [{ ...dense(7, 'leakyRelu'), useBias: false }],
  dropout: [dense(7, 'tanh'), { type: 'dropout', rate: 0.4 }],
  'dropout of the input': [{ type: 'dropout', rate: 0.4 }],
  batchNormalization: [dense(7, 'tanh'), { type: 'batchNormalization', momentum: 0.5, epsilon: 0.1 }],
  'batchNormalization of the input': [{ type: 'batchNormalization' }],
  'batchNormalization without scale': [dense(7, 'tanh'), { type: 'batchNormalization', scale: false }],
  'batchNormalization without center': [dense(7, 'tanh'), { type: 'batchNormalization', center: false }],
  'batchNormalization without either': [
    dense(7, 'tanh'),
    { type: 'batchNormalization', scale: false, center: false },
  ],
  layerNormalization: [dense(7, 'tanh'), { type: 'layerNormalization', epsilon: 0.1 }],
  'layerNormalization without scale': [dense(7, 'tanh'), { type: 'layerNormalization', scale: false }],
  'layerNormalization without center': [dense(7, 'tanh'), { type: 'layerNormalization', center: false }],
  'a penalty and initialisers': [
    { ...dense(7, 'tanh'), kernelRegularizer: { l2: 0.1 }, biasInitializer: { type: 'constant', value: 1 } },
  ],
  'all kinds of layers': [
    { ...dense(8, 'linear'), useBias: false },
    { type: 'batchNormalization' },
    { type: 'activation', activation: 'silu' },
    { type: 'dropout', rate: 0.5 },
    dense(6, 'leakyRelu'),
    { type: 'layerNormalization' },
  ],
}

describe('a stored model loads into TensorFlow.js and answers as the service does', () => {
  it.each([
    ['relu', 'softmax', 3, [4, 3, 1]],
    ['tanh', 'sigmoid', 3, [4, 3]],
    ['sigmoid', 'linear', 2, [12]],
    ['softmax', 'softmax', 3, [2, 2, 3]],
    ['linear', 'sigmoid', 1, [12]],
  ] as const)('with %s and %s', async (hidden, output, units, shape) => {
    await expectSameAnswers(shape, [dense(7, hidden), dense(units, output)])
  })

  it.each(NAMES)('with the hidden activation %s', async activation => {
    await expectSameAnswers([12], [dense(7, activation), dense(3, 'softmax')])
  })

  it.each(NAMES)('with the output activation %s', async activation => {
    await expectSameAnswers([12], [dense(7, 'tanh'), dense(3, activation)])
  })

  it.each(NAMES)('with %s as a layer of its own', async activation => {
    await expectSameAnswers([12], [dense(5, 'linear'), { type: 'activation', activation }])
  })

  it('with inverted images', async () => {
    const image = { fit: 'fill', invert: true, centerOfMass: false } as const
    await expectSameAnswers([4, 3, 1], [dense(7, 'tanh'), dense(3, 'softmax')], image)
  })

  it.each(Object.keys(LAYERS))('with %s', async name => {
    await expectSameAnswers([4, 3], [...(LAYERS[name] ?? []), dense(3, 'softmax')])
  })
})

it('of one sigmoid unit, the service gives the rest to the first class', async () => {
  const { predictor, features } = await storeModel([12], [dense(7, 'tanh'), dense(1, 'sigmoid')])
  const probabilities = predictor.predict(features, COUNT)
  expect(probabilities).toHaveLength(2 * COUNT)
  for (let example = 0; example < COUNT; example++) {
    const [first = 0, second = 0] = probabilities.subarray(2 * example)
    expect(first + second).toBeCloseTo(1, 6)
  }
})
