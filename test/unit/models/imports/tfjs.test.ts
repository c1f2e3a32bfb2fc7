import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../../../src/mlp/random.ts'
import { readModelFile } from '../../../../src/models/imports/read-model-file.ts'
import { createPortableEngine } from '../../../../worker/engines/portable/engine.ts'
import { createCase, createTableCase } from '../../../helpers/exported-models.ts'
import { answersOf, artifactFiles, readFilePart, zipOf } from '../../../helpers/imported-models.ts'

await createPortableEngine() // makes the wasm backend the current one

const COUNT = 4

/** The two parts that `model.save` posts. */
async function savedParts(model: layers.LayersModel): Promise<Map<string, Buffer>> {
  const random = createRandom(2, 'weights')
  model.setWeights(
    model.getWeights().map(({ shape, size }) =>
      tf.tensor(
        Array.from({ length: size }, () => random.uniform()),
        shape,
      ),
    ),
  )
  let saved: tf.io.ModelArtifacts | null = null
  await model.save({
    save: async artifacts => {
      saved = artifacts
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
    },
  })
  const { modelTopology, weightSpecs, weightData, format, generatedBy } =
    saved as unknown as tf.io.ModelArtifacts
  const weightsManifest = [{ paths: ['./model.weights.bin'], weights: weightSpecs }]
  const json = JSON.stringify({ modelTopology, weightsManifest, format, generatedBy })
  return new Map([
    ['model.json', Buffer.from(json)],
    ['model.weights.bin', Buffer.from(weightData as ArrayBuffer)],
  ])
}

describe('a model of TensorFlow.js, as model.save posts it', () => {
  const { dense, batchNormalization, dropout, flatten, leakyReLU, layerNormalization } = layers.layers
  const inputs = layers.input({ shape: [5] })
  const MODELS: Record<string, [layers.LayersModel, axes: number[], shape: number[]]> = {
    'in a row': [
      layers.sequential({
        layers: [
          flatten({ inputShape: [3, 2] }),
          dense({ units: 6, activation: 'swish' }),
          batchNormalization({}),
          dropout({ rate: 0.5 }),
          layerNormalization({}),
          dense({ units: 5 }),
          leakyReLU({ alpha: 0.2 }),
          dense({ units: 3, activation: 'softmax' }),
        ],
      }),
      [3, 2],
      [3, 2, 1],
    ],
    'of connected layers': [
      layers.model({
        inputs,
        outputs: dense({ units: 2 }).apply(
          dense({ units: 4, activation: 'elu' }).apply(inputs),
        ) as layers.SymbolicTensor,
      }),
      [5],
      [5],
    ],
  }

  it.each(Object.entries(MODELS))('%s predicts the same', async (_, [model, axes, shape]) => {
    const read = await readModelFile(await savedParts(model), {})
    const random = createRandom(1, 'features')
    const size = shape.reduce((product, length) => product * length, 1)
    const features = Float32Array.from({ length: COUNT * size }, () => random.normal())
    const wanted = (model.predict(tf.tensor(features, [COUNT, ...axes])) as tf.Tensor).dataSync()
    const answers = answersOf(read, features, COUNT)
    expect(answers).toHaveLength(wanted.length)
    for (const [index, number] of wanted.entries()) expect(answers[index]).toBeCloseTo(number, 5)
    expect(read.model.input.shape).toEqual(shape)
    expect(read.imported.bytes).toBeGreaterThan(100)
  })
})

describe('the manifest beside an export', () => {
  const files = () =>
    artifactFiles(createCase({ layers: [{ type: 'dense', units: 3, activation: 'softmax' }] }))
  const table = () => artifactFiles(createTableCase())
  const changed = async (make: typeof files, change: (manifest: ReturnType<typeof JSON.parse>) => void) => {
    const own = await make()
    const manifest = JSON.parse(String(own['manifest.json']))
    change(manifest)
    return zipOf({ ...own, 'manifest.json': manifest })
  }

  it.each<[string, typeof files, (manifest: ReturnType<typeof JSON.parse>) => void, RegExp]>([
    [
      'other files',
      files,
      own => Object.assign(own.files, { 'weights.bin': 'a'.repeat(64) }),
      /weights\.bin must be the file/,
    ],
    [
      'a layer that there is not',
      files,
      own => Object.assign(own.network.layers[0], { type: 'lambda' }),
      /network that this release knows/,
    ],
    ['other weights', files, own => Object.assign(own.weights[0], { shape: [3, 12] }), /in their order/],
    ['another network', files, own => Object.assign(own.network.layers[0], { units: 4 }), /in their order/],
    ['no features', files, own => Object.assign(own.input, { shape: [0, 3] }), /1 to 1000000 features/],
    [
      'figures that are too few',
      files,
      own => Object.assign(own, { preprocessing: { centers: [1], spreads: [1] } }),
      /a spread for each of the 12/,
    ],
    [
      'images that are no images',
      files,
      own => Object.assign(own.preprocessing, { image: { fit: 'none', invert: 1, centerOfMass: 0 } }),
      /prepare images/,
    ],
    [
      'targets of a classification',
      files,
      own => Object.assign(own.preprocessing, { target: [{ center: 0, spread: 1 }] }),
      /scale each target/,
    ],
    [
      'a column that is prepared otherwise',
      table,
      own => Object.assign(own.preprocessing.columns, { area: { fill: 1, indicator: false } }),
      /figures of the column "area"/,
    ],
    [
      'a column that there is not',
      table,
      own => Object.assign(own.preprocessing.columns, { nowhere: { fill: 1, indicator: false } }),
      /figures of the column "nowhere"/,
    ],
    [
      'a column of nonsense',
      table,
      own => Object.assign(own.preprocessing.columns, { city: { categories: 5 } }),
      /figures of the column "city"/,
    ],
  ])('is refused for %s', async (_, make, change, message) => {
    await expect(readFilePart(await changed(make, change))).rejects.toMatchObject({
      code: 'MODEL_FILE_INVALID',
      message: expect.stringMatching(message),
    })
  })

  it('says all but the names of the classes', async () => {
    const zip = await zipOf(await files())
    const { model } = await readFilePart(zip, { classes: ['a', 'b', 'c'] })
    expect(model.classes).toEqual(['a', 'b', 'c'])
    await expect(readFilePart(zip, { task: 'regression' })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/options/task' }],
    })
  })
})
