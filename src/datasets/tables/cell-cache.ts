const SLOTS = 256
const KEY_BYTES_MAX = 24

/** Remembers the cells of some short texts by their bytes, so that these need not become strings each time. */
export interface CellCache {
  /** The cell of each slot. */
  readonly cells: Float64Array
  /** The slot of a text; -1 when it is not there. */
  find(bytes: Uint8Array, start: number, end: number): number
  /** Remembers a text, in place of another maybe. */
  add(bytes: Uint8Array, start: number, end: number, cell: number): void
  clear(): void
}

/** A cache of nothing: 8 KiB. */
export function createCellCache(): CellCache {
  const keys = new Uint8Array(SLOTS * KEY_BYTES_MAX)
  const lengths = new Uint8Array(SLOTS).fill(0xff)
  const cells = new Float64Array(SLOTS)
  return {
    cells,
    find(bytes, start, end) {
      const length = end - start
      if (length > KEY_BYTES_MAX) return -1
      const slot = hash(bytes, start, end)
      if (lengths[slot] !== length) return -1
      const key = slot * KEY_BYTES_MAX
      for (let at = 0; at < length; at++) if (keys[key + at] !== bytes[start + at]) return -1
      return slot
    },
    add(bytes, start, end, cell) {
      const length = end - start
      if (length > KEY_BYTES_MAX) return
      const slot = hash(bytes, start, end)
      keys.set(bytes.subarray(start, end), slot * KEY_BYTES_MAX)
      lengths[slot] = length
      cells[slot] = cell
    },
    clear: () => void lengths.fill(0xff),
  }
}

/** @see Fowler, Noll & Vo, FNV-1a of 32 bits, folded */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5
  for (let at = start; at < end; at++) value = Math.imul(value ^ (bytes[at] ?? 0), 0x01000193)
  return (value ^ (value >>> 16) ^ (value >>> 8)) & (SLOTS - 1)
}
