/** A hash of 64 bits in two halves, each a signed 32-bit integer. */
export type RowHash = [low: number, high: number]

/** Hashes rows of equal length one by one; the hash is the same array each time. */
export type HashRow = (row: number) => RowHash

/**
 * Hashes whole rows of bytes. Rows that differ have different hashes but for one pair in 2^64: of a million rows,
 * two are taken for equal once in 37 million datasets. Nobody is kept from building such a pair on purpose.
 * @param rows - begins at a multiple of four bytes
 * @param rowBytes - of each row
 */
export function createRowHasher(rows: Uint8Array, rowBytes: number): HashRow {
  const words = rowBytes >>> 2
  const hash: RowHash = [0, 0]
  if (rowBytes % 4 === 0) {
    const all = new Int32Array(rows.buffer, rows.byteOffset, rows.byteLength >>> 2)
    return row => hashWords(hash, all, row * words, (row + 1) * words)
  }
  // The rows begin anywhere, so that each is moved to where words can be read.
  const padded = new Uint8Array(4 * (words + 1))
  const one = new Int32Array(padded.buffer)
  return row => {
    padded.set(rows.subarray(row * rowBytes, (row + 1) * rowBytes))
    return hashWords(hash, one, 0, one.length)
  }
}

/**
 * Hashes some of the float64 cells of each row, in the given order.
 * @param columns - indices of the cells
 */
export function createCellHasher(cells: Float64Array, width: number, columns: readonly number[]): HashRow {
  const hash: RowHash = [0, 0]
  const chosen = Int32Array.from(columns)
  const row64 = new Float64Array(chosen.length)
  const words = new Int32Array(row64.buffer)
  return row => {
    for (let at = 0; at < chosen.length; at++) row64[at] = cells[row * width + (chosen[at] ?? 0)] ?? 0
    return hashWords(hash, words, 0, words.length)
  }
}

/** One hash of a row that is kept in two places. */
export function joinHashers(first: HashRow, second: HashRow): HashRow {
  const hash: RowHash = [0, 0]
  const words = new Int32Array(4)
  return row => {
    words.set(first(row), 0)
    words.set(second(row), 2)
    return hashWords(hash, words, 0, 4)
  }
}

/**
 * Two lanes of 32 bits that take the words in turn and look at each other.
 * @see Appleby, MurmurHash3: `MurmurHash3_x86_128`, of which these are the first two lanes, and its finalizer
 */
function hashWords(hash: RowHash, words: Int32Array, start: number, end: number): RowHash {
  let one = 0x2f0b4c47
  let other = 0x7a1d35b9
  for (let at = start; at < end; at += 2) {
    let key = Math.imul(words[at] ?? 0, 0x239b961b)
    key = (key << 15) | (key >>> 17)
    one ^= Math.imul(key, 0xab0e9789)
    one = (one << 19) | (one >>> 13)
    one = (Math.imul(one + other, 5) + 0x561ccd1b) | 0
    key = Math.imul(at + 1 < end ? (words[at + 1] ?? 0) : 0, 0xab0e9789)
    key = (key << 16) | (key >>> 16)
    other ^= Math.imul(key, 0x38b34ae5)
    other = (other << 17) | (other >>> 15)
    other = (Math.imul(other + one, 5) + 0x0bcaa747) | 0
  }
  one = finish(one + other)
  other = finish(other + one)
  hash[0] = (one + other) | 0 || 1 // zeros stand for no row
  hash[1] = other
  return hash
}

function finish(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
