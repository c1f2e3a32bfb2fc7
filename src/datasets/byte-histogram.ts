/** How often each byte occurs: exact statistics of uint8 features and of labels, in constant memory. */
export interface ByteHistogram {
  add(bytes: Uint8Array): void
  /** How often each value 0 … 255 occurred. */
  readonly counts: Float64Array
}

/** An empty histogram. */
export function createByteHistogram(): ByteHistogram {
  const counts = new Float64Array(256)
  return {
    counts,
    add(bytes) {
      for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1
    },
  }
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
