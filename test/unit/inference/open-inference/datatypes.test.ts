import { describe, expect, it } from 'vitest'
import {
  assertDatatype,
  readElements,
  readNumbers,
} from '../../../../src/inference/open-inference/datatypes.ts'
import { writeElements } from '../../../../src/inference/open-inference/write-response.ts'

const ALONE = { isOver: () => false, next: async () => {} }

/** The same bytes at each place in memory. */
function shifted(data: Uint8Array): Buffer[] {
  return Array.from({ length: 8 }, (_, offset) => {
    const memory = Buffer.from(new ArrayBuffer(data.length + 8))
    memory.set(data, offset)
    return memory.subarray(offset, offset + data.length)
  })
}

describe('binary numbers', () => {
  it.each([
    ['FP32', Float32Array.of(0.5, -1e30)],
    ['FP64', Float64Array.of(0.1, -1e300)],
    ['UINT8', Uint8Array.of(0, 255)],
    ['UINT16', Uint16Array.of(1, 65_535)],
    ['UINT32', Uint32Array.of(1, 2 ** 32 - 1)],
    ['UINT64', BigUint64Array.of(1n, 2n ** 64n - 1n)],
    ['INT8', Int8Array.of(-128, 127)],
    ['INT16', Int16Array.of(-32_768, 32_767)],
    ['INT32', Int32Array.of(-(2 ** 31), 2 ** 31 - 1)],
    ['INT64', BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)],
    ['BOOL', Uint8Array.of(0, 1)],
  ] as const)('of %s are read wherever they lie', (datatype, numbers) => {
    for (const data of shifted(new Uint8Array(numbers.buffer))) {
      expect(readNumbers(datatype, data, '')).toEqual(numbers)
    }
  })

  it('are not copied where they lie well', () => {
    const data = Buffer.from(new ArrayBuffer(16))
    expect(readNumbers('FP32', data, '').buffer).toBe(data.buffer)
  })

  it('must be whole', () => {
    expect(() => readNumbers('FP64', Buffer.alloc(12), '/inputs/0')).toThrow(
      '8 bytes for each number of FP64; received 12',
    )
  })
})

it.each([
  ['UINT8', 255, 256],
  ['INT8', -128, -129],
  ['INT32', 2 ** 31 - 1, 0.5],
  ['BOOL', 1, 2],
  ['UINT64', 2 ** 60, -1],
] as const)('numbers of %s from JSON may be %d and not %d', async (datatype, right, wrong) => {
  await assertDatatype(datatype, Float64Array.of(right), '', ALONE)
  await expect(assertDatatype(datatype, Float64Array.of(right, wrong), '', ALONE)).rejects.toThrow(
    `number 1 is ${wrong}`,
  )
})

it('elements are read as they were written, of any length and alphabet', () => {
  const texts = ['', 'a', 'Zürich', '数字 7', 'x'.repeat(300)]
  expect(readElements(writeElements(texts), '').map(String)).toEqual(texts)
  expect(() => readElements(Buffer.from([1, 0, 0]), '')).toThrow('ends within element 0')
  expect(() => readElements(Buffer.from([0, 0, 0, 0, 255, 255, 255, 255]), '')).toThrow('within element 1')
})
