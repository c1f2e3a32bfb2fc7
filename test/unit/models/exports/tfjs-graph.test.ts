import { loadGraphModel } from '@tensorflow/tfjs-converter'
import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { writeGraphModel } from '../../../../src/models/tensorflow/write-graph-model.ts'
import { createEncoder } from '../../../../src/preprocessing/encoder.ts'
import { createPortableEngine } from '../../../../worker/engines/portable/engine.ts'
import {
  ARRAY_CASES,
  CENTERED_CASES,
  createCase,
  createTableCase,
  type ExportCase,
  expectSameAnswers,
} from '../../../helpers/exported-models.ts'

await createPortableEngine() // makes the wasm backend the current one

async function run({ model }: ExportCase, features: Float32Array, shape: number[]): Promise<Float32Array> {
  const [topology, weights] = writeGraphModel(model)
  if (topology?.name !== 'model.json' || weights?.name !== 'weights.bin') throw new Error('wrong files')
  const { modelTopology, weightsManifest, signature } = JSON.parse(Buffer.from(topology.content).toString())
  const loaded = await loadGraphModel(
    tf.io.fromMemory({
      modelTopology,
      signature,
      weightSpecs: weightsManifest[0].weights,
      weightData: new Uint8Array(weights.content).buffer,
    }),
  )
  return tf.tidy(() => (loaded.predict(tf.tensor(features, shape)) as tf.Tensor).dataSync<'float32'>())
}

describe('an exported graph model answers in TensorFlow.js as the service does', () => {
  it.each(Object.entries({ ...ARRAY_CASES, ...CENTERED_CASES }))('%s', async (_, parts) => {
    const made = createCase(parts)
    const features = Float32Array.from(made.features)
    expectSameAnswers(made, await run(made, features, [made.count, ...made.model.manifest.input.shape]))
  })

  it.each(['classification', 'regression'] as const)(
    'a table (%s), from its encoded features',
    async kind => {
      const made = createTableCase(kind)
      const { preprocessing, input } = made.model.manifest
      const { encode, inputUnits } = createEncoder(preprocessing, input.columns ?? null, input.shape)
      const encoded = Float32Array.from(encode(made.features, made.count))
      expectSameAnswers(made, await run(made, encoded, [made.count, inputUnits]))
    },
  )
})

it('a graph model tells its classes', () => {
  const { model } = createCase({ layers: [{ type: 'dense', units: 3, activation: 'softmax' }] })
  const [topology] = writeGraphModel(model)
  const { userDefinedMetadata } = JSON.parse(Buffer.from(topology?.content ?? []).toString())
  expect(JSON.parse(userDefinedMetadata.classes)).toEqual(['class 0', 'class 1', 'class 2'])
})
