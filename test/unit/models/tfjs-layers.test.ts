import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import { describe, expect, it } from 'vitest'
import { createPredictor } from '../../../src/inference/predictor.ts'
import type { ActivationName } from '../../../src/mlp/activations/registry.ts'
import type { LossName } from '../../../src/mlp/losses/registry.ts'
import { buildProgram } from '../../../src/mlp/program.ts'
import { createRandom } from '../../../src/mlp/random.ts'
import { readArtifact, writeArtifact } from '../../../src/models/artifact.ts'
import { createDiskBlobStore } from '../../../src/storage/disk-blob-store.ts'
import { createPortableEngine } from '../../../worker/engines/portable/engine.ts'
import { createTestFolder } from '../../helpers/folder.ts'

await createPortableEngine() // makes the wasm backend the current one

const COUNT = 5

/** Stores a model with random weights, and reads it back for the service and for TensorFlow.js. */
async function storeModel(model: {
  shape: number[]
  hidden: ActivationName
  output: ActivationName
  units: number
  loss: LossName
}) {
  const { shape, hidden, output, units, loss } = model
  const inputUnits = shape.reduce((product, length) => product * length, 1)
  const kernelInitializer = 'glorotNormal' as const
  const network = {
    layers: [
      { type: 'dense' as const, units: 7, activation: hidden, kernelInitializer },
      { type: 'dense' as const, units, activation: output, kernelInitializer },
    ],
  }
  const preprocessing = { scale: 1 / 255 }
  const optimizer = { type: 'sgd', learningRate: 1, momentum: 0, nesterov: false } as const
  const program = buildProgram({ inputUnits, preprocessing, network, loss, optimizer })
  const random = createRandom(3, 'weights')
  const weights = new Map(
    program.variables.map(({ name, shape }) => {
      const length = shape.reduce((product, dimension) => product * dimension, 1)
      return [name, Float32Array.from({ length }, () => random.normal())]
    }),
  )
  const blobs = createDiskBlobStore(await createTestFolder())
  const { files } = await writeArtifact(blobs, program, weights, {
    kind: 'classification',
    jobId: 'job_1',
    dataset: { id: 'ds_1', sha256: 'f'.repeat(64) },
    input: { shape, dtype: 'uint8' },
    preprocessing,
    classes: Array.from({ length: Math.max(2, units) }, (_, index) => String(index)),
    network,
    loss,
    training: {},
    parameterCount: (inputUnits + 1) * 7 + 8 * units,
    metrics: {},
    engine: { name: 'portable', device: 'cpu', versions: {} },
  })
  const { modelTopology, weightsManifest } = JSON.parse((await blobs.read(files['model.json'])).toString())
  const weightData = new Uint8Array(await blobs.read(files['weights.bin'])).buffer
  const weightSpecs = weightsManifest.flatMap(({ weights }: { weights: object[] }) => weights)
  return {
    predictor: createPredictor(await readArtifact(blobs, files)),
    layersModel: await loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData })),
    features: Float32Array.from({ length: COUNT * inputUnits }, () => random.integer(256)),
  }
}

describe('a stored model loads into TensorFlow.js and answers as the service does', () => {
  it.each([
    ['relu', 'softmax', 3, 'categoricalCrossentropy', [4, 3, 1]],
    ['tanh', 'sigmoid', 3, 'binaryCrossentropy', [4, 3]],
    ['sigmoid', 'linear', 2, 'meanSquaredError', [12]],
    ['softmax', 'softmax', 3, 'categoricalCrossentropy', [2, 2, 3]],
    ['linear', 'sigmoid', 1, 'binaryCrossentropy', [12]],
  ] as const)('with %s and %s', async (hidden, output, units, loss, shape) => {
    const model = await storeModel({ shape: [...shape], hidden, output, units, loss })
    const raw = tf.tensor(model.features, [COUNT, ...shape])
    const answer = model.layersModel.predict(raw) as tf.Tensor // one output, so one tensor
    const theirs = await answer.data<'float32'>()
    const ours = model.predictor.predict(model.features, COUNT)
    expect(theirs).toHaveLength(COUNT * units)
    // One sigmoid unit gives the probability of the second of two classes.
    const compared = units === 1 ? ours.filter((_, index) => index % 2 === 1) : ours
    theirs.forEach((number, index) => {
      expect(Math.abs(number - (compared[index] ?? Number.NaN)), `output ${index}`).toBeLessThan(1e-5)
    })
    expect(new Set(theirs).size, 'the answers differ').toBeGreaterThan(COUNT - 1)
  })

  it('of one sigmoid unit gives the rest to the first class', async () => {
    const { predictor, features } = await storeModel({
      shape: [12],
      hidden: 'tanh',
      output: 'sigmoid',
      units: 1,
      loss: 'binaryCrossentropy',
    })
    const probabilities = predictor.predict(features, COUNT)
    expect(probabilities).toHaveLength(2 * COUNT)
    for (let example = 0; example < COUNT; example++) {
      const [first = 0, second = 0] = probabilities.subarray(2 * example)
      expect(first + second).toBeCloseTo(1, 6)
    }
  })
})
