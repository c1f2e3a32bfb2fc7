/** Where a batch prediction stands. */
export const BATCH_STATUSES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const

/** Where a batch prediction stands. */
export type BatchStatus = (typeof BATCH_STATUSES)[number]

/**
 * Every way from one status to another, by what happens. As with jobs a worker claims it under a lease, and one that is
 * interrupted waits again, to go on behind its last chunk.
 */
export const BATCH_TRANSITIONS = {
  claim: { from: ['queued'], to: 'running' },
  interrupt: { from: ['running'], to: 'queued' },
  succeed: { from: ['running'], to: 'succeeded' },
  fail: { from: ['running'], to: 'failed' },
  cancel: { from: ['queued', 'running'], to: 'cancelled' },
} as const satisfies Record<string, { from: readonly BatchStatus[]; to: BatchStatus }>

/** Statuses that nothing leaves. */
export const ENDED_STATUSES = ['succeeded', 'failed', 'cancelled'] as const satisfies readonly BatchStatus[]

/** Whether a batch prediction has ended. */
export function hasEnded(status: BatchStatus): boolean {
  return (ENDED_STATUSES as readonly BatchStatus[]).includes(status)
}

/** Multiplications of a chunk: less than a second of work. */
const CHUNK_OPERATIONS = 4_000_000_000
const CHUNK_BYTES_MAX = 32 * 1024 ** 2
const CHUNK_ROWS_MAX = 65_536

/**
 * Rows of a chunk: what is lost at most when a worker is, so little enough, and each is a file, so not too little. It
 * does not depend on the machine, so every attempt cuts the rows up alike.
 * @param numbers - of a row, in and out
 */
export function chunkRowsOf({
  parameterCount,
  numbers,
}: {
  parameterCount: number
  numbers: number
}): number {
  const rows = Math.min(CHUNK_OPERATIONS / parameterCount, CHUNK_BYTES_MAX / (8 * numbers))
  return Math.min(CHUNK_ROWS_MAX, Math.max(1, Math.floor(rows)))
}
