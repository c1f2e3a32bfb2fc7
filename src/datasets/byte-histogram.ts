/** How often each byte occurs: exact statistics of uint8 features and of labels, in constant memory. */
export interface ByteHistogram {
  add(bytes: Uint8Array): void
  /** How often each value 0 … 255 occurred. */
  readonly counts: Float64Array
}

/** An empty histogram. */
export function createByteHistogram(): ByteHistogram {
  const counts = new Float64Array(256)
  // Four tables, for to add to the same number twice in a row takes as long as to add to four others.
  const tables = Array.from({ length: 4 }, () => new Uint32Array(256)) as [Table, Table, Table, Table]
  const [a, b, c, d] = tables
  const addSome = (bytes: Uint8Array) => {
    const whole = bytes.length - (bytes.length % 4)
    for (let at = 0; at < whole; at += 4) {
      count(a, bytes[at] ?? 0)
      count(b, bytes[at + 1] ?? 0)
      count(c, bytes[at + 2] ?? 0)
      count(d, bytes[at + 3] ?? 0)
    }
    for (let at = whole; at < bytes.length; at++) count(a, bytes[at] ?? 0)
    for (const table of tables) {
      table.forEach((times, value) => {
        counts[value] = (counts[value] ?? 0) + times
      })
      table.fill(0)
    }
  }
  return {
    counts,
    add(bytes) {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) addSome(bytes.subarray(at, at + PIECE_BYTES))
    },
  }
}

/** What a table of 32 bits can count. */
const PIECE_BYTES = 2 ** 30

type Table = Uint32Array

function count(table: Table, value: number): void {
  table[value] = (table[value] ?? 0) + 1
}

/** Figures about the values of a histogram that is not empty. */
export function summarize({ counts }: ByteHistogram) {
  const values = occurringValues({ counts })
  const total = counts.reduce((sum, count) => sum + count, 0)
  const meanOf = (f: (value: number) => number) =>
    values.reduce((sum, value) => sum + f(value) * (counts[value] ?? 0), 0) / total
  const mean = meanOf(value => value)
  return {
    min: values[0] ?? 0,
    max: values.at(-1) ?? 0,
    mean,
    standardDeviation: Math.sqrt(meanOf(value => (value - mean) ** 2)),
  }
}

/** The values that occur at least once, in order. */
export function occurringValues({ counts }: Pick<ByteHistogram, 'counts'>): number[] {
  return Array.from(counts.keys()).filter(value => counts[value] !== 0)
}
