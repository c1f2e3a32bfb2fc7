import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { answersOf, readFilePart } from '../../../helpers/imported-models.ts'

interface Predictions {
  inputs: number[][]
  outputs: number[][]
}

const fileOf = (name: string) => readFile(new URL(`../../../reference/imports/${name}`, import.meta.url))
const predictions: Record<string, Predictions> & { keras: string } = JSON.parse(
  (await fileOf('predictions.json')).toString(),
)

describe('a model that Keras saved', () => {
  it.each(['sequential', 'functional', 'activations', 'per_channel'])(
    '%s predicts what Keras predicts',
    async name => {
      const { inputs = [], outputs = [] } = predictions[name] ?? {}
      const read = await readFilePart(await fileOf(`${name}.keras`))
      const answers = answersOf(read, Float32Array.from(inputs.flat()), inputs.length)
      // One sigmoid unit stands for two classes.
      const wanted = outputs.flatMap(row =>
        read.model.classes.length === 2 && row.length === 1 ? [1 - (row[0] ?? 0), row[0] ?? 0] : row,
      )
      expect(answers).toHaveLength(wanted.length)
      const largest = Math.max(...wanted.map(Math.abs))
      wanted.forEach((number, index) => {
        expect(Math.abs(number - (answers[index] ?? Number.NaN)) / largest, `output ${index}`).toBeLessThan(
          1e-6,
        )
      })
      expect(read.imported).toMatchObject({ format: 'keras', generatedBy: `Keras ${predictions.keras}` })
    },
  )

  it('predicts the same when the converter of TensorFlow.js has made a Layers model of it', async () => {
    const { inputs = [], outputs = [] } = predictions.sequential ?? {}
    const read = await readFilePart(await fileOf('converted.zip'))
    const answers = answersOf(read, Float32Array.from(inputs.flat()), inputs.length)
    for (const [index, number] of outputs.flat().entries()) expect(answers[index]).toBeCloseTo(number, 6)
    expect(read.imported).toMatchObject({ format: 'tfjs', generatedBy: 'TensorFlow.js Converter v4.22.0' })
  })

  it('has its layers, its preprocessing and its task', async () => {
    const { model } = await readFilePart(await fileOf('sequential.keras'))
    expect(model).toMatchObject({
      kind: 'classification',
      classes: ['0', '1', '2'],
      input: { shape: [4, 3, 1], dtype: 'uint8' },
      preprocessing: { scale: 1 / 255, offset: -0.25 },
    })
    expect(model.network.layers.map(({ type }) => type)).toEqual([
      'dense',
      'batchNormalization',
      'dropout',
      'layerNormalization',
      'dense',
      'activation',
      'dense',
      'dense',
      'activation',
    ])
    expect(model.network.layers[1]).toMatchObject({ momentum: 0.9, epsilon: 1e-3 })
    expect(model.network.layers[6]).toMatchObject({ activation: 'silu', trainable: false })
    const two = await readFilePart(await fileOf('functional.keras'), { classes: ['no', 'yes'] })
    expect(two.model).toMatchObject({ classes: ['no', 'yes'], input: { shape: [4], dtype: 'float32' } })
    expect(two.model.preprocessing).toMatchObject({ centers: expect.any(Array), spreads: expect.any(Array) })
    const other = await readFilePart(await fileOf('activations.keras'), {
      targets: ['a', 'b', 'c', 'd', 'e', 'f'],
    })
    expect(other.model).toMatchObject({ kind: 'regression', classes: [], targets: expect.any(Array) })
  })

  it.each([
    ['Lambda', /received "Lambda"/],
    ['Conv1D', /received "Conv1D"/],
    ['branch', /received "Add"/],
    ['mixed_float16', /dtype must be "float32"; received "mixed_float16"/],
    ['last axis', /behind a Flatten: its input is 4 × 3/],
    ['slope', /negative_slope must be 0.2; received 0.3/],
  ])('is refused for %s, by name', async (name, message) => {
    const reading = readFilePart(await fileOf(`refused ${name}.keras`))
    await expect(reading).rejects.toMatchObject({
      code: 'MODEL_FILE_INVALID',
      message: expect.stringMatching(message),
    })
  })
})
