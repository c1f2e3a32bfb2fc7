import { zipFile } from './zip.ts'

/** An array by its items, in C's order. */
export interface TestArray {
  /** As NumPy writes it, `<f4`; its first letter is the order of bytes. */
  descr: string
  shape: readonly number[]
  items: readonly (number | bigint | string | boolean)[]
  isFortran?: boolean
}

/** An NPY file, item by item. @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
export function npyFile(
  { descr, shape, items, isFortran = false }: TestArray,
  version: 1 | 2 | 3 = 1,
): Buffer {
  const [order = '', letter = '', ...digits] = descr
  const size = Number(digits.join('')) * (letter === 'U' ? 4 : 1)
  const content = Buffer.alloc(items.length * size)
  items.forEach((item, index) => {
    const bytes = encodeItem(item, letter, size)
    if (order === '>') swapItem(bytes, letter === 'U' ? 4 : size)
    bytes.copy(content, size * (isFortran ? fortranPlace(index, shape) : index))
  })
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const header = `{'descr': '${descr}', 'fortran_order': ${isFortran ? 'True' : 'False'}, 'shape': ${tuple}, }`
  return Buffer.concat([npyHead(header, version), content])
}

/** The head with any text in place of the dictionary. */
export function npyHead(dictionary: string, version: 1 | 2 | 3 = 1): Buffer {
  const lengthBytes = version === 1 ? 2 : 4
  const text = Buffer.from(dictionary)
  const padding = 64 - ((9 + lengthBytes + text.length) % 64)
  const head = Buffer.concat([text, Buffer.from(`${' '.repeat(padding % 64)}\n`)])
  const length = Buffer.alloc(lengthBytes)
  length.writeUIntLE(head.length, 0, lengthBytes)
  return Buffer.concat([Buffer.from(`\x93NUMPY${String.fromCharCode(version, 0)}`, 'latin1'), length, head])
}

/** An NPZ file of named arrays. */
export function npzFile(arrays: Readonly<Record<string, TestArray>>, isDeflated = false): Buffer {
  return zipFile(
    Object.entries(arrays).map(([name, array]) => ({
      name: `${name}.npy`,
      content: npyFile(array),
      isDeflated,
    })),
  )
}

/** Little-endian. */
function encodeItem(item: TestArray['items'][number], letter: string, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  switch (letter) {
    case 'b':
      bytes.writeUInt8(item ? 1 : 0)
      break
    case 'i':
      if (size === 8) bytes.writeBigInt64LE(BigInt(Number.isInteger(item) ? (item as number) : String(item)))
      else bytes.writeIntLE(Number(item), 0, size)
      break
    case 'u':
      if (size === 8) bytes.writeBigUInt64LE(BigInt(String(item)))
      else bytes.writeUIntLE(Number(item), 0, size)
      break
    case 'f':
      if (size === 8) bytes.writeDoubleLE(Number(item))
      else if (size === 4) bytes.writeFloatLE(Number(item))
      else bytes.writeUInt16LE(halfBits(Number(item)))
      break
    case 'S':
      bytes.write(String(item))
      break
    case 'U':
      ;[...String(item)].forEach((character, at) => {
        bytes.writeUInt32LE(character.codePointAt(0) ?? 0, 4 * at)
      })
  }
  return bytes
}

function swapItem(bytes: Buffer, unit: number): void {
  if (unit === 2) bytes.swap16()
  if (unit === 4) bytes.swap32()
  if (unit === 8) bytes.swap64()
}

/** Where an item of C's order lies in Fortran's: its coordinates, the first one quickest. */
function fortranPlace(index: number, shape: readonly number[]): number {
  const coordinates: number[] = []
  let rest = index
  for (const length of [...shape].reverse()) {
    coordinates.unshift(rest % length)
    rest = Math.floor(rest / length)
  }
  let place = 0
  let stride = 1
  coordinates.forEach((coordinate, axis) => {
    place += coordinate * stride
    stride *= shape[axis] ?? 1
  })
  return place
}

/** The nearest binary16 by trying all of them: slow, and surely another way than the reader's. */
function halfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (let bits = 0; bits < 0x10000; bits++) {
    const [exponent, fraction] = [(bits & 0x7fff) >> 10, bits & 0x3ff]
    if (exponent === 31) continue
    const size = exponent === 0 ? fraction / 2 ** 24 : (1 + fraction / 1024) * 2 ** (exponent - 15)
    const distance = Math.abs((bits & 0x8000 ? -size : size) - value)
    if (distance < least) [best, least] = [bits, distance]
  }
  return Math.abs(value) > 65_519 ? (value < 0 ? 0xfc00 : 0x7c00) : best
}
