import { expect, it } from 'vitest'
import { writeInferResponse } from '../../../../src/inference/open-inference/write-response.ts'

const HEAD = { model_name: 'a "b"', model_version: '1' }

it('many numbers are written as JSON.stringify would, with turns for others in between', async () => {
  let turns = 0
  const busy = { isOver: () => true, next: async () => void turns++ }
  const numbers = Float32Array.from({ length: 4_097 }, (_, index) => (index - 2_000) / 7)
  const output = { name: 'values', datatype: 'FP32', shape: [4_097, 1], isBinary: false, numbers } as const
  const { json, binary } = await writeInferResponse(HEAD, [output], busy)
  const { name, datatype, shape } = output
  expect(json).toBe(JSON.stringify({ ...HEAD, outputs: [{ name, datatype, shape, data: [...numbers] }] }))
  expect([binary, turns]).toEqual([null, 5])
})

it('binary outputs stand one behind the other, in the order of the outputs', async () => {
  const { json, binary } = await writeInferResponse(
    HEAD,
    [
      { name: 'label', datatype: 'BYTES', shape: [1], isBinary: true, texts: ['é'] },
      { name: 'plain', datatype: 'BYTES', shape: [1], isBinary: false, texts: ['"'] },
      { name: 'values', datatype: 'FP32', shape: [1, 1], isBinary: true, numbers: Float32Array.of(1) },
    ],
    { isOver: () => false, next: async () => {} },
  )
  expect(JSON.parse(json).outputs).toEqual([
    { name: 'label', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 6 } },
    { name: 'plain', datatype: 'BYTES', shape: [1], data: ['"'] },
    { name: 'values', datatype: 'FP32', shape: [1, 1], parameters: { binary_data_size: 4 } },
  ])
  expect(binary?.toString('hex')).toBe('02000000c3a90000803f')
})
