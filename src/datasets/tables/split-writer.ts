import type { BlobDraft } from '../../storage/blob-store.ts'
import { createPieceWriter, type DraftScope, endDraft } from '../drafts.ts'
import { addColumn, type ColumnProfile, createColumnProfile } from '../statistics/column-profile.ts'
import type { ColumnEncoder } from './column-encoder.ts'

/** Bytes of cells that are written together. */
const BLOCK_BYTES = 512 * 1024

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
  /** Adds rows by their columns. */
  addColumns(columns: readonly Float64Array[], count: number): void
  /** Writes what is waiting, once it is a block. */
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
    addColumns(columns, count) {
      writer.examples += count
      for (const part of parts) part.addColumns(columns, count)
    },
    async flush() {
      for (const part of parts) if (part.bytes() >= BLOCK_BYTES) await writeBlock(part, profiles)
    },
    async end() {
      for (const part of parts) {
        await writeBlock(part, profiles)
        await part.writer.end()
        await endDraft(part.draft)
      }
    },
  }
  return writer
}

async function writeBlock(part: Cells, profiles: readonly ColumnProfile[]): Promise<void> {
  const { cells, rows } = part.take()
  const { encoders } = part
  encoders.forEach(({ index, codes }, column) => {
    const profile = profiles[index]
    if (profile) addColumn(profile, cells, encoders.length, column, rows, codes.size)
  })
  await part.writer.write(Buffer.from(cells.buffer, 0, rows * encoders.length * 8))
}

type Cells = ReturnType<typeof createCells>

/** The cells of some columns, row by row, in two pieces of memory: one is filled while the other is written. */
function createCells(all: readonly ColumnEncoder[], role: ColumnEncoder['role'], draft: BlobDraft) {
  const encoders = all.filter(encoder => encoder.role === role)
  const indices = Int32Array.from(encoders, ({ index }) => index)
  const width = indices.length
  let cells = new Float64Array(4_096)
  let others = new Float64Array(4_096)
  let filled = 0
  const grow = (more: number) => {
    const larger = new Float64Array(2 * cells.length + more)
    larger.set(cells)
    cells = larger
  }
  return {
    draft,
    encoders,
    writer: createPieceWriter(draft),
    bytes: () => 8 * filled,
    add(row: Float64Array) {
      if (filled + width > cells.length) grow(width)
      for (let column = 0; column < width; column++) cells[filled + column] = row[indices[column] ?? 0] ?? 0
      filled += width
    },
    addColumns(columns: readonly Float64Array[], count: number) {
      if (filled + count * width > cells.length) grow(count * width)
      for (let column = 0; column < width; column++) {
        const from = columns[indices[column] ?? 0]
        if (from === undefined) continue
        for (let row = 0, at = filled + column; row < count; row++, at += width) cells[at] = from[row] ?? 0
      }
      filled += count * width
    },
    /** What was added since. It may be used until the second call after this one. */
    take() {
      const rows = width === 0 ? 0 : filled / width
      const taken = cells
      cells = others
      others = taken
      filled = 0
      return { cells: taken, rows }
    },
  }
}
