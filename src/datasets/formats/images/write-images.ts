import { createByteHistogram, summarize } from '../../byte-histogram.ts'
import { type DraftScope, endDraft, writePiece } from '../../drafts.ts'
import type { PreparedSplit } from '../../prepared.ts'

const PIECE_BYTES = 1024 ** 2

/** The images of one split on their way into drafts. */
export interface ImageWriter {
  add(pixels: Uint8Array, classIndex: number): Promise<void>
  end(): Promise<PreparedSplit>
}

/**
 * Opens the drafts of a split.
 * @param bytes - of one image
 */
export async function createImageWriter(
  drafts: DraftScope,
  bytes: number,
  classes: readonly string[],
): Promise<ImageWriter> {
  const [features, labels] = [await drafts.open(), await drafts.open()]
  const capacity = Math.max(1, Math.floor(PIECE_BYTES / bytes))
  const block = new Uint8Array(capacity * bytes)
  const indices = new Int32Array(capacity)
  const histogram = createByteHistogram()
  const counts = new Float64Array(classes.length)
  let [filled, examples] = [0, 0]

  async function flush(): Promise<void> {
    const pixels = block.subarray(0, filled * bytes)
    histogram.add(pixels)
    await writePiece(features, pixels)
    await writePiece(labels, new Uint8Array(indices.buffer, 0, 4 * filled))
    filled = 0
  }

  return {
    async add(pixels, classIndex) {
      block.set(pixels, filled * bytes)
      indices[filled] = classIndex
      counts[classIndex] = (counts[classIndex] ?? 0) + 1
      filled++
      examples++
      if (filled === capacity) await flush()
    },
    async end() {
      if (filled > 0) await flush()
      await endDraft(features)
      await endDraft(labels)
      const classCounts = Object.fromEntries(classes.map((label, index) => [label, counts[index] ?? 0]))
      const statistics = { examples, classCounts, ...summarize(histogram) }
      return { examples, classCounts, features, labels, statistics }
    },
  }
}
