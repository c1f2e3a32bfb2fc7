/** Different rows that are remembered one by one. */
export const ROWS_MAX = 2 ** 19

const FIRST_SLOTS = 2 ** 12

/**
 * Remembers rows by their hashes, up to 2^19 different ones in 17 MB, and twice that for a moment when it grows. When there are more it remembers every
 * second one, then every fourth, and so on, chosen by the hash itself: so all examples of a row are remembered or none,
 * and what is counted of them is a fair share of the whole.
 * @see Flajolet, "On adaptive sampling" (1990)
 */
export interface RowTable {
  /** Rows are remembered whose hash begins with so many zeros: one in 2^level. */
  readonly level: number
  /**
   * Where a row is remembered; it is added when it is new.
   * @returns -1 when it is not among the sampled ones. A place is right until the next call.
   */
  place(low: number, high: number): number
  /** Where a row is remembered; -1 when it is not. */
  find(low: number, high: number): number
  /** A number of a place that is the caller's to use; zero when the row is new. */
  mark(place: number): number
  setMark(place: number, mark: number): void
  /** A second one. */
  label(place: number): number
  setLabel(place: number, label: number): void
}

/** Zeros that a hash begins with: what it takes to be in a sample of that level. */
function levelOf(high: number): number {
  return Math.clz32(high)
}

/** Counts rows of a table, each of which may leave the sample later. */
export interface RowTally {
  /** @param high - of the row's hash */
  add(high: number): void
  /** How many rows there are in all, by those that are still in the sample. */
  estimate(table: Pick<RowTable, 'level'>): number
}

/** A tally of nothing. */
export function createRowTally(): RowTally {
  const counts = new Float64Array(33)
  return {
    add(high) {
      const level = levelOf(high)
      counts[level] = (counts[level] ?? 0) + 1
    },
    estimate: ({ level }) => counts.subarray(level).reduce((sum, count) => sum + count, 0) * 2 ** level,
  }
}

/** Of a slot: both halves of the hash, the mark and the label, side by side so that one look at memory is enough. */
const SLOT = 4

/**
 * A table without rows.
 * @param expected - so many rows it takes before it must grow
 * @param rowsMax - different ones that are remembered; a power of two
 */
export function createRowTable(expected = 0, rowsMax = ROWS_MAX): RowTable {
  const wanted = 2 ** Math.ceil(Math.log2(2 * expected + 1))
  let slots = Math.min(Math.max(FIRST_SLOTS, wanted), 2 * rowsMax)
  let entries = new Int32Array(SLOT * slots)
  let level = 0
  let rows = 0

  /** Its own place, or the empty one that would be it. An empty one has a hash of zeros, which is nobody's. */
  function search(low: number, high: number): number {
    const last = SLOT * slots - 1
    let at = (SLOT * low) & last
    for (;;) {
      const one = entries[at]
      const other = entries[at + 1]
      if ((one === low && other === high) || (one === 0 && other === 0)) return at
      at = (at + SLOT) & last
    }
  }

  function isUsed(at: number): boolean {
    return entries[at] !== 0 || entries[at + 1] !== 0
  }

  /** Moves the rows that still belong to the sample to a table of a new size. */
  function rebuild(size: number): void {
    const before = entries
    slots = size
    entries = new Int32Array(SLOT * slots)
    rows = 0
    for (let from = 0; from < before.length; from += SLOT) {
      const low = before[from] ?? 0
      const high = before[from + 1] ?? 0
      if ((low === 0 && high === 0) || levelOf(high) < level) continue
      const at = insert(low, high)
      entries[at + 2] = before[from + 2] ?? 0
      entries[at + 3] = before[from + 3] ?? 0
    }
  }

  function insert(low: number, high: number): number {
    const at = search(low, high)
    if (isUsed(at)) return at
    entries[at] = low
    entries[at + 1] = high
    rows++
    return at
  }

  return {
    get level() {
      return level
    },
    mark: place => entries[place + 2] ?? 0,
    setMark(place, mark) {
      entries[place + 2] = mark
    },
    label: place => entries[place + 3] ?? 0,
    setLabel(place, label) {
      entries[place + 3] = label
    },
    find(low, high) {
      const at = search(low, high)
      return isUsed(at) ? at : -1
    },
    place(low, high) {
      if (2 * rows >= slots) {
        while (rows >= rowsMax) {
          level++
          rebuild(slots)
        }
        if (2 * rows >= slots && slots < 2 * rowsMax) rebuild(2 * slots)
      }
      return levelOf(high) < level ? -1 : insert(low, high)
    },
  }
}
