import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { decodeModel } from '../../../../src/models/onnx/messages.ts'
import { writeOnnx } from '../../../../src/models/onnx/write-onnx.ts'
import {
  ARRAY_CASES,
  CENTERED_CASES,
  COLUMNS,
  createCase,
  createTableCase,
  type ExportCase,
  expectSameAnswers,
  textsOf,
} from '../../../helpers/exported-models.ts'

async function run({ model, features, count }: ExportCase): Promise<Float32Array> {
  const session = await InferenceSession.create(writeOnnx(model), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  })
  const { shape, dtype } = model.manifest.input
  const numbers = dtype === 'uint8' ? Uint8Array.from(features) : Float32Array.from(features)
  const answers = await session.run({ input: new Tensor(numbers as Float32Array, [count, ...shape]) })
  expect(session.outputNames).toHaveLength(1)
  return answers[session.outputNames[0] ?? '']?.data as Float32Array
}

async function runTable(made: ExportCase): Promise<Float32Array> {
  const session = await InferenceSession.create(writeOnnx(made.model), { intraOpNumThreads: 1 })
  const feeds = COLUMNS.flatMap((column, place) => {
    if (column.type === 'id') return []
    const cells = Float64Array.from(
      { length: made.count },
      (_, row) => made.features[row * COLUMNS.length + place] ?? 0,
    )
    const tensor =
      column.type === 'categorical'
        ? new Tensor('string', textsOf(made, place), [made.count, 1])
        : new Tensor('float64', cells, [made.count, 1])
    return [[column.name, tensor] as const]
  })
  expect(session.inputNames).toEqual(feeds.map(([name]) => name))
  const answers = await session.run(Object.fromEntries(feeds))
  return answers[session.outputNames[0] ?? '']?.data as Float32Array
}

describe('an exported ONNX file answers in onnxruntime as the service does', () => {
  it.each(Object.entries({ ...ARRAY_CASES, ...CENTERED_CASES }))('%s', async (_, parts) => {
    const made = createCase(parts)
    expectSameAnswers(made, await run(made))
  })

  it('a table, from the cells of its columns to its classes', async () => {
    const made = createTableCase()
    expectSameAnswers(made, await runTable(made))
  })

  it('a table, from the cells of its columns to numbers in their own units', async () => {
    const made = createTableCase('regression')
    expectSameAnswers(made, await runTable(made))
  })
})

it('an ONNX file tells its classes and its manifest', async () => {
  const { model } = createCase({ layers: [{ type: 'dense', units: 3, activation: 'softmax' }] })
  const { metadataProps, producerName } = decodeModel(writeOnnx(model))
  const told = Object.fromEntries(metadataProps.map(({ key, value }) => [key, value ?? '']))
  expect(producerName).toBe('Trainyard')
  expect(JSON.parse(told.classes ?? '')).toEqual(['class 0', 'class 1', 'class 2'])
  expect(told.manifest).toBe(model.manifestText)
})
