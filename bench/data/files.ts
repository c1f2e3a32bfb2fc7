import { parquetWriteBuffer } from 'hyparquet-writer'
import { createRandom } from '../../src/mlp/random.ts'

/** A file that is made while it is sent. */
export interface MadeFile {
  label: string
  /** Its part of the upload. */
  part: string
  bytes: number
  pieces(): Generator<Buffer>
  /** Parts that go with it. */
  others: readonly { part: string; content: Buffer }[]
}

const COLUMNS = 20
const BLOCK_ROWS = 40_000
const PIECE_BYTES = 64 * 1024
const names = Array.from({ length: COLUMNS }, (_, column) => `c${column}`)

/** A row of numbers: of four one is a whole number, one has 3 digits after the point, two have `digits`. */
function createRows(seed: number, digits: number) {
  const random = createRandom(seed, 'bench')
  return () =>
    names.map((_, column) => {
      if (column % 4 === 0) return random.integer(1_000)
      const number = random.uniform() * 2 - 1
      return digits > 16 ? number : Number(number.toFixed(column % 4 === 1 ? 3 : digits))
    })
}

/** CSV of 20 columns of numbers and a label. @param digits - after the point; 17: all that float64 has */
export function csvFile(bytes: number, digits: number): MadeFile {
  const next = createRows(digits, digits)
  const block = Buffer.from(
    Array.from({ length: BLOCK_ROWS }, (_, row) => `${next().join(',')},${row % 2}\n`).join(''),
  )
  const label = digits > 16 ? 'CSV of numbers with 16 to 18 digits' : 'CSV of numbers'
  return repeat(label, Buffer.from(`${names.join(',')},label\n`), block, bytes)
}

/** The same as objects. */
export function jsonlFile(bytes: number): MadeFile {
  const next = createRows(3, 6)
  const lines = Array.from({ length: BLOCK_ROWS }, (_, row) => {
    const values = next()
    const entries = names.map((name, column) => [name, values[column]])
    return `${JSON.stringify(Object.fromEntries([...entries, ['label', row % 2]]))}\n`
  })
  return repeat('JSON Lines of numbers', Buffer.alloc(0), Buffer.from(lines.join('')), bytes)
}

/** The same as Parquet, packed with snappy. */
export function parquetFile(rows: number): MadeFile {
  const next = createRows(4, 6)
  const columns = names.map(() => new Float64Array(rows))
  for (let row = 0; row < rows; row++) {
    next().forEach((value, column) => {
      const cells = columns[column]
      if (cells) cells[row] = value
    })
  }
  const columnData = columns.map((data, column) => ({
    name: names[column] ?? '',
    data,
    type: 'DOUBLE' as const,
  }))
  const label = {
    name: 'label',
    data: Int32Array.from({ length: rows }, (_, row) => row % 2),
    type: 'INT32' as const,
  }
  const file = Buffer.from(parquetWriteBuffer({ columnData: [...columnData, label], rowGroupSize: 500_000 }))
  return repeat('Parquet of numbers, snappy', Buffer.alloc(0), file, file.length)
}

/** IDX of images of 28 × 28, with their labels. */
export function idxFile(bytes: number): MadeFile {
  const images = Math.floor(bytes / 784)
  const random = createRandom(5, 'bench')
  const block = Buffer.from(Array.from({ length: 784 * 1_000 }, () => random.integer(256)))
  const head = Buffer.from([0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 28])
  head.writeUInt32BE(images, 4)
  const labels = Buffer.alloc(8 + images)
  labels.writeUInt32BE(0x801, 0)
  labels.writeUInt32BE(images, 4)
  for (let image = 0; image < images; image++) labels[8 + image] = image % 10
  const file = repeat('IDX of images', head, block, head.length + 784 * images)
  return { ...file, part: 'trainImages', others: [{ part: 'trainLabels', content: labels }] }
}

/** A head, and then a block again and again: text in whole lines, the rest to the byte. */
function repeat(label: string, head: Buffer, block: Buffer, bytes: number): MadeFile {
  const isText = block.at(-1) === 0x0a
  const length = isText ? head.length + Math.ceil((bytes - head.length) / block.length) * block.length : bytes
  return {
    label,
    part: 'file',
    bytes: length,
    others: [],
    *pieces() {
      if (head.length > 0) yield head
      for (let sent = head.length; sent < length; ) {
        for (let at = 0; at < block.length && sent < length; ) {
          const piece = block.subarray(at, at + Math.min(PIECE_BYTES, length - sent))
          yield piece
          at += piece.length
          sent += piece.length
        }
      }
    },
  }
}
