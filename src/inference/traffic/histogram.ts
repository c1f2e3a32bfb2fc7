/** The first bucket ends here. */
const FIRST_MS = 0.1

/** Buckets from one power of two to the next, so that a quantile is at most 19 % too high. */
const PER_OCTAVE = 4

/** Together 0.1 ms to 22 s; what takes longer is in the last. */
export const BUCKETS = 72

/** The bucket of a duration: number i holds what takes more than 0.1 · 2^((i − 1) / 4) ms, up to 0.1 · 2^(i / 4) ms. */
export function bucketOf(milliseconds: number): number {
  const bucket = Math.ceil(PER_OCTAVE * Math.log2(milliseconds / FIRST_MS))
  return Math.min(BUCKETS - 1, Math.max(0, bucket))
}

/**
 * The duration that a part of all stay within, in milliseconds: the end of the bucket that it falls into.
 * @param counts - by bucket
 * @param part - 0.99 for the 99th percentile
 * @returns null when there are none
 */
export function quantileOf(counts: readonly number[], part: number): number | null {
  const all = counts.reduce((sum, count) => sum + count, 0)
  if (all === 0) return null
  let below = 0
  for (const [bucket, count] of counts.entries()) {
    below += count
    if (below >= part * all) return FIRST_MS * 2 ** (bucket / PER_OCTAVE)
  }
  return null
}
