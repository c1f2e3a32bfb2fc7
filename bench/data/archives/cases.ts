import { createWriteStream } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { encode } from 'fast-png'
import sharp from 'sharp'
import yazl from 'yazl'
import { createRandom } from '../../../src/mlp/random.ts'

/** A file that is uploaded. */
export interface Case {
  name: string
  label: string
  /** Images, or examples. */
  count: number
  /** Of the features, unpacked; null where the file itself counts. */
  exampleBytes: number | null
  write(file: string, count: number): Promise<void>
}

const CLASSES = 10
const FEATURES = 784
const PIECE_EXAMPLES = 1_000

/** Digits of 28 × 28 as a class tells, photos, and arrays of the types that are usual. */
export const CASES: readonly Case[] = [
  { name: 'png', label: 'PNG, 28 × 28 grey', count: 60_000, exampleBytes: null, write: writePngs },
  { name: 'jpeg', label: 'JPEG, 640 × 480 to 64 × 64', count: 1_000, exampleBytes: null, write: writeJpegs },
  arrayCase('npz-u1', 'NPZ, uint8', 400_000, { descr: '|u1', bytes: 1 }),
  arrayCase('npz-f4', 'NPZ, float32', 100_000, { descr: '<f4', bytes: 4 }),
  arrayCase('npz-f4-deflated', 'NPZ, float32, deflated', 50_000, {
    descr: '<f4',
    bytes: 4,
    isDeflated: true,
  }),
  arrayCase('npz-f8', 'NPZ, float64', 50_000, { descr: '<f8', bytes: 8 }),
  arrayCase('npz-f4-fortran', 'NPZ, float32, Fortran’s order', 100_000, {
    descr: '<f4',
    bytes: 4,
    isFortran: true,
  }),
]

/** Where a case lies. */
export function fileOf(folder: string, { name }: Case): string {
  return path.join(folder, `${name}.zip`)
}

async function writePngs(file: string, count: number): Promise<void> {
  const random = createRandom(1, 'bench')
  await writeZip(file, async zip => {
    for (let index = 0; index < count; index++) {
      const data = Uint8Array.from({ length: FEATURES }, (_, pixel) =>
        Math.floor(pixel / 28) % CLASSES === index % CLASSES ? 155 + random.integer(100) : 0,
      )
      const content = encode({ width: 28, height: 28, channels: 1, depth: 8, data })
      zip.addBuffer(Buffer.from(content), `train/${index % CLASSES}/${index}.png`)
    }
  })
}

/** A few pictures of noise and curves, each many times. */
async function writeJpegs(file: string, count: number): Promise<void> {
  const pictures = await Promise.all(
    Array.from({ length: CLASSES }, (_, label) => {
      const data = Buffer.from(
        Uint8Array.from(
          { length: 640 * 480 * 3 },
          (_, at) => 128 + 120 * Math.sin((at * (label + 3)) / 5_000),
        ),
      )
      return sharp(data, { raw: { width: 640, height: 480, channels: 3 } })
        .jpeg()
        .toBuffer()
    }),
  )
  await writeZip(file, async zip => {
    for (let index = 0; index < count; index++) {
      const picture = pictures[index % CLASSES]
      if (picture) zip.addBuffer(picture, `${index % CLASSES}/${index}.jpg`, { compress: false })
    }
  })
}

function arrayCase(
  name: string,
  label: string,
  count: number,
  type: { descr: string; bytes: number; isFortran?: boolean; isDeflated?: boolean },
): Case {
  const { descr, bytes, isFortran = false, isDeflated: compress = false } = type
  const write: Case['write'] = (file, count) =>
    writeZip(file, async zip => {
      const rows = npy(descr, `(${count}, ${FEATURES})`, isFortran, count * FEATURES, bytes)
      zip.addReadStream(Readable.from(rows), 'x_train.npy', { compress })
      const labels = npy('|u1', `(${count},)`, false, count, 1)
      zip.addReadStream(Readable.from(labels), 'y_train.npy', { compress })
    })
  return { name, label, count, exampleBytes: bytes * FEATURES, write }
}

/** Some megabytes of random numbers again and again: small whole ones, which every type holds. */
function* npy(
  descr: string,
  shape: string,
  isFortran: boolean,
  items: number,
  bytes: number,
): Generator<Buffer> {
  const text = `{'descr': '${descr}', 'fortran_order': ${isFortran ? 'True' : 'False'}, 'shape': ${shape}, }`
  const head = Buffer.from(`\x93NUMPY\x01\0\0\0${text.padEnd(117)}\n`, 'latin1')
  head.writeUInt16LE(118, 8)
  yield head
  const length = PIECE_EXAMPLES * FEATURES
  const random = createRandom(1, 'bench')
  const numbers = Array.from({ length }, () => random.integer(CLASSES))
  const array = { 1: Uint8Array, 4: Float32Array, 8: Float64Array }[bytes as 1 | 4 | 8].from(numbers)
  const piece = Buffer.from(array.buffer)
  for (let at = 0; at < items; at += length) yield piece.subarray(0, Math.min(length, items - at) * bytes)
}

async function writeZip(file: string, add: (zip: yazl.ZipFile) => Promise<void>): Promise<void> {
  const zip = new yazl.ZipFile()
  const written = pipeline(zip.outputStream, createWriteStream(file))
  await add(zip)
  zip.end()
  await written
}
