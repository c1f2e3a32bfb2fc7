import { invalidParquet } from './file.ts'

/** Reads small whole numbers one after the other. */
export interface IntegerReader {
  /** Fills the places from `start` to `end`. @throws {AppError} DATASET_INVALID when there are fewer */
  read(into: Int32Array, start: number, end: number): void
}

/**
 * Reads runs of equal numbers, and of numbers packed bit by bit: as levels and places in a dictionary are written. It
 * goes on where it stopped, so a run of a billion takes no memory.
 * @param bitWidth - of a number, 0 to 24: a dictionary of the largest page has no more entries
 * @see https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
 */
export function createHybridReader(
  bytes: Buffer,
  start: number,
  end: number,
  bitWidth: number,
): IntegerReader {
  if (bitWidth > 24 || end > bytes.length) throw invalidParquet('has a page whose runs cannot be read')
  let at = start
  let repeated = 0
  let left = 0
  let packed: IntegerReader | null = null

  function next(): void {
    let header = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at]
      if (byte === undefined || at >= end || shift > 28)
        throw invalidParquet('has a page that ends within its runs')
      at++
      header += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) break
    }
    if (header % 2 === 1) {
      left = ((header - 1) / 2) * 8
      const packedBytes = Math.min((left / 8) * bitWidth, end - at) // the last group may be cut off
      packed = createBitReader(bytes, at, at + packedBytes, bitWidth)
      at += packedBytes
    } else {
      left = header / 2
      packed = null
      repeated = 0
      for (let byte = 0; byte < Math.ceil(bitWidth / 8); byte++) {
        if (at >= end) throw invalidParquet('has a page that ends within its runs')
        repeated |= (bytes[at++] ?? 0) << (8 * byte)
      }
    }
  }

  return {
    read(into, start, end) {
      for (let filled = start; filled < end; ) {
        if (left === 0) {
          next()
          continue
        }
        const length = Math.min(left, end - filled)
        if (packed) packed.read(into, filled, filled + length)
        else into.fill(repeated, filled, filled + length)
        filled += length
        left -= length
      }
    },
  }
}

/** Reads numbers of 0 to 24 bits packed bit by bit, the lowest first: as truth values are written. */
export function createBitReader(bytes: Buffer, start: number, end: number, bitWidth: number): IntegerReader {
  const mask = 2 ** bitWidth - 1
  let at = start
  let waiting = 0
  let bits = 0
  return {
    read(into, from, to) {
      for (let filled = from; filled < to; filled++) {
        for (; bits < bitWidth; bits += 8) {
          if (at >= end) throw invalidParquet('has a page that ends within its values')
          waiting |= (bytes[at++] ?? 0) << bits
        }
        into[filled] = waiting & mask
        waiting >>>= bitWidth
        bits -= bitWidth
      }
    },
  }
}
