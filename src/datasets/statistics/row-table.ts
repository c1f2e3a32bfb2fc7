/** Different rows that are remembered one by one. */
export const ROWS_MAX = 2 ** 19

const FIRST_SLOTS = 2 ** 12

/**
 * Remembers rows by their hashes, up to 2^19 different ones in 18 MB, and twice that for a moment when it grows. When there are more it remembers every
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
  /** A number of each place that is the caller's to use; zero when the row is new. Another array after some calls. */
  readonly marks: Int32Array
  /** A second one. */
  readonly labels: Int32Array
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

/**
 * A table without rows.
 * @param rowsMax - a power of two
 */
export function createRowTable(rowsMax = ROWS_MAX): RowTable {
  let slots = Math.min(FIRST_SLOTS, 2 * rowsMax)
  let used = new Uint8Array(slots)
  let [lows, highs] = [new Int32Array(slots), new Int32Array(slots)]
  let [marks, labels] = [new Int32Array(slots), new Int32Array(slots)]
  let level = 0
  let rows = 0

  function slotOf(low: number, high: number): number {
    let slot = low & (slots - 1)
    while (used[slot] === 1 && (lows[slot] !== low || highs[slot] !== high)) slot = (slot + 1) & (slots - 1)
    return slot
  }

  /** Moves the rows that still belong to the sample to a table of a new size. */
  function rebuild(size: number): void {
    const before = { used, lows, highs, marks, labels }
    slots = size
    used = new Uint8Array(slots)
    lows = new Int32Array(slots)
    highs = new Int32Array(slots)
    marks = new Int32Array(slots)
    labels = new Int32Array(slots)
    rows = 0
    before.used.forEach((isUsed, at) => {
      const [low, high] = [before.lows[at] ?? 0, before.highs[at] ?? 0]
      if (isUsed === 0 || levelOf(high) < level) return
      const slot = insert(low, high)
      marks[slot] = before.marks[at] ?? 0
      labels[slot] = before.labels[at] ?? 0
    })
  }

  function insert(low: number, high: number): number {
    const slot = slotOf(low, high)
    if (used[slot] === 1) return slot
    used[slot] = 1
    lows[slot] = low
    highs[slot] = high
    rows++
    return slot
  }

  return {
    get level() {
      return level
    },
    get marks() {
      return marks
    },
    get labels() {
      return labels
    },
    find(low, high) {
      const slot = slotOf(low, high)
      return used[slot] === 1 ? slot : -1
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
