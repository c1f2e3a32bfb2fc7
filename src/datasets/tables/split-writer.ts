import type { BlobDraft } from '../../storage/blob-store.ts'
import { type DraftScope, endDraft, writePiece } from '../drafts.ts'
import { addColumn, type ColumnProfile, createColumnProfile } from '../statistics/column-profile.ts'
import type { ColumnEncoder } from './column-encoder.ts'

/** The rows of one split on their way into drafts, a block at a time. */
export interface SplitWriter {
  examples: number
  /** `[examples, features]` float64. */
  readonly features: BlobDraft
  /** `[examples, targets]` float64. */
  readonly targets: BlobDraft
  /** By cell of the row. */
  readonly profiles: ColumnProfile[]
  add(row: Float64Array): void
  /** Writes what is waiting. */
  flush(): Promise<void>
  end(): Promise<void>
}

/** Opens the drafts of a split. */
export async function createSplitWriter(
  drafts: DraftScope,
  encoders: readonly ColumnEncoder[],
): Promise<SplitWriter> {
  const features = createCells(encoders, 'feature', await drafts.open())
  const targets = createCells(encoders, 'target', await drafts.open())
  const profiles = encoders.map(() => createColumnProfile())
  const parts = [features, targets]
  const writer: SplitWriter = {
    examples: 0,
    features: features.draft,
    targets: targets.draft,
    profiles,
    add(row) {
      writer.examples++
      for (const part of parts) part.add(row)
    },
    async flush() {
      for (const part of parts) {
        const { cells, rows, encoders } = part.take()
        encoders.forEach(({ index, codes }, column) => {
          const profile = profiles[index]
          if (profile) addColumn(profile, cells, encoders.length, column, rows, codes.size)
        })
        await writePiece(part.draft, Buffer.from(cells.buffer, 0, rows * encoders.length * 8))
      }
    },
    async end() {
      await writer.flush()
      for (const part of parts) await endDraft(part.draft)
    },
  }
  return writer
}

/** The cells of some columns, row by row, in one piece of memory that is used again. */
function createCells(all: readonly ColumnEncoder[], role: ColumnEncoder['role'], draft: BlobDraft) {
  const encoders = all.filter(encoder => encoder.role === role)
  const indices = Int32Array.from(encoders, ({ index }) => index)
  const width = indices.length
  let cells = new Float64Array(4_096)
  let filled = 0
  return {
    draft,
    add(row: Float64Array) {
      if (filled + width > cells.length) {
        const larger = new Float64Array(2 * cells.length + width)
        larger.set(cells)
        cells = larger
      }
      for (let column = 0; column < width; column++) cells[filled + column] = row[indices[column] ?? 0] ?? 0
      filled += width
    },
    /** What was added since; to be used before the next row. */
    take() {
      const rows = width === 0 ? 0 : filled / width
      filled = 0
      return { cells, rows, encoders }
    },
  }
}
