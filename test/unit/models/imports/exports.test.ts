import { describe, expect, it } from 'vitest'
import { writeKeras } from '../../../../src/models/keras/write-keras.ts'
import { writeOnnx } from '../../../../src/models/onnx/write-onnx.ts'
import {
  ARRAY_CASES,
  CENTERED_CASES,
  createCase,
  createTableCase,
  expectSameAnswers,
} from '../../../helpers/exported-models.ts'
import { answersOf, artifactFiles, readFilePart, zipOf } from '../../../helpers/imported-models.ts'

const OPTIONS: Record<string, object> = {
  'inverted images in colour': { inputShape: [36], dtype: 'uint8' },
}

describe('a model that was exported here', () => {
  it.each(Object.entries({ ...ARRAY_CASES, ...CENTERED_CASES }))(
    'as tfjs answers the same to the bit when it is imported: %s',
    async (_, parts) => {
      const made = createCase(parts)
      const read = await readFilePart(await zipOf(await artifactFiles(made)))
      expect(answersOf(read, made.features, made.count)).toEqual(made.answers)
      const { kind, classes, preprocessing, network, parameterCount } = made.model.manifest
      expect(read.model).toMatchObject({ kind, classes, preprocessing, network, parameterCount })
      expect(read.imported).toMatchObject({ format: 'tfjs', generatedBy: 'Trainyard' })
    },
  )

  it.each(['classification', 'regression'] as const)('and of a table, for %s', async kind => {
    const made = createTableCase(kind)
    const read = await readFilePart(await zipOf(await artifactFiles(made)))
    expect(answersOf(read, made.features, made.count)).toEqual(made.answers)
    expect(read.model.input.columns).toEqual(made.model.manifest.input.columns)
  })

  it.each(Object.entries(ARRAY_CASES).filter(([, { preprocessing }]) => preprocessing === undefined))(
    'as tfjs without its manifest answers the same: %s',
    async (_, parts) => {
      const made = createCase(parts)
      const { 'manifest.json': _manifest, ...files } = await artifactFiles(made)
      expectSameAnswers(made, answersOf(await readFilePart(await zipOf(files)), made.features, made.count))
    },
  )

  it.each(Object.entries(ARRAY_CASES))('as ONNX answers the same: %s', async (name, parts) => {
    const made = createCase(parts)
    const read = await readFilePart(writeOnnx(made.model), OPTIONS[name])
    expectSameAnswers(made, answersOf(read, made.features, made.count))
    expect(read.imported).toMatchObject({ format: 'onnx', generatedBy: expect.stringMatching(/^Trainyard/) })
  })

  it.each(Object.entries(ARRAY_CASES))('as .keras answers the same: %s', async (name, parts) => {
    const made = createCase(parts)
    const files = await writeKeras(made.model)
    const zip = await zipOf(Object.fromEntries(files.map(({ name, content }) => [name, content])))
    const answers = answersOf(await readFilePart(zip, OPTIONS[name]), made.features, made.count)
    expectSameAnswers(made, answers)
  })

  it('keeps its frozen layers, with its manifest and without', async () => {
    const frozen = { type: 'dense' as const, units: 4, activation: 'tanh' as const, trainable: false }
    const made = createCase({ layers: [frozen, { type: 'dense', units: 3, activation: 'softmax' }] })
    const { 'manifest.json': manifest = Buffer.alloc(0), ...files } = await artifactFiles(made)
    for (const zip of [files, { ...files, 'manifest.json': manifest }]) {
      const { network } = (await readFilePart(await zipOf(zip))).model
      expect(network.layers.map(layer => 'trainable' in layer)).toEqual([true, false])
    }
  })

  it.each([
    ['no classes', 'several labels', { classes: [] }, /3 classes for 3 outputs; it has 0/],
    [
      'no classes of one output',
      'one sigmoid unit for two classes',
      { classes: [] },
      /2 classes for 1 outputs; it has 0/,
    ],
    [
      'classes of a regression',
      'a regression in units of its own',
      { classes: ['a', 'b'] },
      /0 classes for 2/,
    ],
    ['a name too many', 'a regression in units of its own', { targets: ['a', 'b', 'c'] }, /it names 3/],
    [
      'a temperature of a regression',
      'a regression in units of its own',
      { calibration: { method: 'temperature', temperature: 2 } },
      /with a classification only/,
    ],
  ])('is refused when its manifest was changed to have %s', async (_, name, change, message) => {
    const files = await artifactFiles(createCase(ARRAY_CASES[name] ?? { layers: [] }))
    const manifest = { ...JSON.parse(String(files['manifest.json'])), ...change }
    await expect(readFilePart(await zipOf({ ...files, 'manifest.json': manifest }))).rejects.toMatchObject({
      code: 'MODEL_FILE_INVALID',
      message: expect.stringMatching(message),
    })
  })

  it('as ONNX of a table is refused: its columns are inputs of their own', async () => {
    await expect(readFilePart(writeOnnx(createTableCase().model))).rejects.toMatchObject({
      code: 'MODEL_FILE_INVALID',
      message: expect.stringContaining('one input'),
    })
  })
})
