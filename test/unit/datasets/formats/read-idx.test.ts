import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type IdxRole, readIdx } from '../../../../src/datasets/formats/idx/read-idx.ts'
import { AppError } from '../../../../src/errors.ts'
import { idxFile } from '../../../helpers/idx.ts'

/** Reads a file that arrives in pieces of `size` bytes. */
async function read(file: Uint8Array, role: IdxRole, size = file.length) {
  const pieces = Array.from({ length: Math.ceil(file.length / size) }, (_, index) =>
    file.subarray(index * size, (index + 1) * size),
  )
  const headers: number[][] = []
  const numbers: number[] = []
  const source = Readable.from(pieces, { objectMode: true })
  for await (const piece of readIdx(source, role, ({ dimensions }) => headers.push(dimensions))) {
    numbers.push(...piece)
  }
  return { headers, numbers }
}

async function refusal(file: Uint8Array, role: IdxRole): Promise<string> {
  const error = await read(file, role).then(
    () => null,
    error => error,
  )
  expect(error).toBeInstanceOf(AppError)
  expect(error.code).toBe('DATASET_INVALID')
  return error.message
}

const NUMBERS = Uint8Array.from({ length: 12 }, (_, index) => 250 + index) // wraps at 256
const IMAGES = idxFile([2, 3, 2], NUMBERS)
const LABELS = idxFile([3], Uint8Array.of(7, 0, 255))

describe('an IDX file', () => {
  it.each([1, 2, 5, 16, 17, 28])('is read the same in pieces of %i bytes as whole', async size => {
    expect(await read(IMAGES, 'images', size)).toEqual({ headers: [[2, 3, 2]], numbers: [...NUMBERS] })
  })

  it('of labels has one axis', async () => {
    expect(await read(LABELS, 'labels')).toEqual({ headers: [[3]], numbers: [7, 0, 255] })
  })

  it('of images may have channels', async () => {
    const file = idxFile([1, 2, 2, 3], NUMBERS)
    expect((await read(file, 'images')).headers).toEqual([[1, 2, 2, 3]])
  })

  it('reads its lengths as big-endian, as large as they come', async () => {
    const file = idxFile([0x01020304], new Uint8Array())
    expect(await refusal(file, 'labels')).toContain('the 16909060 numbers')
  })
})

describe('an IDX file is refused', () => {
  it('when it ends early', async () => {
    expect(await refusal(IMAGES.subarray(0, -1), 'images')).toContain('12 numbers of its header; received 11')
  })

  it('when it goes on after its end', async () => {
    expect(await refusal(Buffer.concat([IMAGES, Buffer.of(0)]), 'images')).toContain('after 12 numbers')
  })

  it('when its head is cut off', async () => {
    expect(await refusal(IMAGES.subarray(0, 7), 'images')).toContain('received 7 bytes')
    expect(await refusal(new Uint8Array(), 'images')).toContain('received 0 bytes')
  })

  it('when it does not begin with two zero bytes', async () => {
    expect(await refusal(Buffer.from('\x89PNG'), 'images')).toContain('two zero bytes; received 0x')
    expect(await refusal(Buffer.of(0, 1, 8, 1, 0, 0, 0, 1, 5), 'labels')).toContain('received 0x00010801')
  })

  it('when its numbers are not unsigned bytes', async () => {
    expect(await refusal(Buffer.of(0, 0, 0x0d, 1, 0, 0, 0, 1, 5), 'labels')).toContain('received type 0x0d')
  })

  it('when labels are given for images, or images for labels', async () => {
    expect(await refusal(LABELS, 'images')).toContain('received 1')
    expect(await refusal(IMAGES, 'labels')).toContain('must have 1 axes; received 3')
  })

  it('when a length is zero', async () => {
    expect(await refusal(idxFile([0, 3, 2], new Uint8Array()), 'images')).toContain('received 0 × 3 × 2')
  })
})

it('a lying head is found at the first byte too many, before the rest is read', async () => {
  let asked = 0
  async function* endless() {
    yield LABELS
    for (;;) {
      asked++
      yield Buffer.alloc(1)
    }
  }
  const reading = async () => {
    for await (const piece of readIdx(endless(), 'labels', () => {})) expect(piece).toHaveLength(3)
  }
  await expect(reading()).rejects.toThrow('received more')
  expect(asked).toBe(1)
})
