import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decompress } from '../../../../src/datasets/formats/decompress.ts'
import { createRandom } from '../../../../src/mlp/random.ts'

const random = createRandom(1, 'bytes')
const CONTENT = Buffer.from(Array.from({ length: 50_000 }, () => random.integer(8)))

async function* inPieces(bytes: Buffer, size: number) {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

describe('a file', () => {
  it.each([1, 2, 4_096, 100_000])('packed with gzip is unpacked, in pieces of %i bytes', async size => {
    expect(await collect(decompress(inPieces(gzipSync(CONTENT), size)))).toEqual(CONTENT)
  })

  it.each([1, 2, 4_096])('that is not packed stays as it is, in pieces of %i bytes', async size => {
    expect(await collect(decompress(inPieces(CONTENT, size)))).toEqual(CONTENT)
  })

  it.each([[[]], [[0x1f]], [[0x1f, 0x8c, 1]]])('of the bytes %j is not taken for gzip', async bytes => {
    expect(await collect(decompress(inPieces(Buffer.from(bytes), 1)))).toEqual(Buffer.from(bytes))
  })

  it('of several gzip members is all of them', async () => {
    const two = Buffer.concat([gzipSync(Buffer.from('one ')), gzipSync(Buffer.from('two'))])
    expect((await collect(decompress(inPieces(two, 7)))).toString()).toBe('one two')
  })
})

describe('a packed file is refused with DATASET_INVALID', () => {
  const refused = { name: 'AppError', code: 'DATASET_INVALID' }

  it('when it is cut off', async () => {
    const packed = gzipSync(CONTENT).subarray(0, -100)
    await expect(collect(decompress(inPieces(packed, 1_000)))).rejects.toMatchObject(refused)
  })

  it('when a byte of it is changed', async () => {
    const packed = gzipSync(CONTENT)
    packed.writeUInt8(packed.readUInt8(5_000) ^ 0xff, 5_000)
    await expect(collect(decompress(inPieces(packed, 1_000)))).rejects.toMatchObject(refused)
  })
})

it('an error of the source comes through as it is', async () => {
  const lost = new Error('the connection is lost')
  async function* failing() {
    yield gzipSync(CONTENT).subarray(0, 100)
    throw lost
  }
  await expect(collect(decompress(failing()))).rejects.toBe(lost)
})

it('a bomb is unpacked only as far as it is read', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 ** 2))
  let asked = 0
  async function* source() {
    for await (const piece of inPieces(bomb, 1_000)) {
      asked++
      yield piece
    }
  }
  for await (const piece of decompress(source())) {
    expect(piece.length).toBeLessThan(1024 ** 2)
    break
  }
  expect(bomb.length).toBeGreaterThan(60_000)
  expect(asked).toBeLessThan(40) // what streams hold ahead, not the whole
})
