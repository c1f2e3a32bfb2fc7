import { setImmediate as nextTurn } from 'node:timers/promises'
import type { BatchResult } from '../../src/batch-predictions/attempt-repository.ts'
import { createDraftScope, endDraft, writePiece } from '../../src/datasets/drafts.ts'
import { createEvaluator } from '../../src/metrics/evaluate-predictions.ts'
import type { Targets } from '../../src/mlp/task.ts'
import type { BatchRunDeps, LoadedBatch } from './loaded-batch.ts'
import type { BatchJob } from './messages.ts'
import { createOutputWriter, type OutputRow } from './output-writer.ts'
import { readTruth } from './read-chunk.ts'

const OVERFLOW = 'the input must be near the training data; its numbers overflow in the network'

/**
 * Writes all chunks, in their order, as one file, and compares them with the truth where that is known.
 * @param outputsOf - `[rows, outputs]` of a chunk; null when it shall stop
 * @returns null when it shall stop
 */
export async function assembleOutput(
  { blobs, isStopped }: Pick<BatchRunDeps, 'blobs' | 'isStopped'>,
  { input, output, split }: BatchJob,
  batch: LoadedBatch,
  outputsOf: (index: number) => Promise<Float32Array | null>,
): Promise<BatchResult | null> {
  const { manifest } = batch.artifact
  const writer = createOutputWriter(output, manifest)
  const evaluator = createEvaluator(batch.artifact)
  const drafts = createDraftScope(blobs)
  let rowsFailed = 0
  try {
    const draft = await drafts.open()
    await writePiece(draft, writer.begin())
    for (let index = 0; index < batch.chunkCount; index++) {
      const range = batch.rangeOf(index)
      const outputs = await outputsOf(index)
      if (!outputs || isStopped()) return null
      const rows = describeRows(outputs, range.from, range.to - range.from, batch.failures)
      rowsFailed += rows.filter(({ error }) => error !== null).length
      await writePiece(draft, await writer.write(rows))
      const truth = await readTruth(blobs, input, manifest.kind, outputs.length / rows.length, range)
      if (truth) {
        const known = selectKnown(rows, truth)
        evaluator.add(known.outputs, known.truth)
      }
      await nextTurn()
    }
    await writePiece(draft, await writer.end())
    await endDraft(draft)
    return { output: await draft.keep(), evaluation: evaluator.report(split), rowsFailed }
  } finally {
    await drafts.discard()
  }
}

function describeRows(
  outputs: Float32Array,
  first: number,
  count: number,
  failures: ReadonlyMap<number, string>,
): OutputRow[] {
  const width = outputs.length / count
  return Array.from({ length: count }, (_, at) => {
    const own = outputs.subarray(at * width, (at + 1) * width)
    const error = failures.get(first + at) ?? (own.every(Number.isFinite) ? null : OVERFLOW)
    return { row: first + at, outputs: own, error }
  })
}

/** The rows that have a prediction and of which is known what they really are. */
function selectKnown(rows: readonly OutputRow[], truth: Targets): { outputs: Float32Array; truth: Targets } {
  const truthWidth = truth.length / rows.length
  const isKnown = (row: number) =>
    rows[row]?.error === null &&
    (truth instanceof Int32Array
      ? (truth[row] ?? -1) >= 0
      : truth.subarray(row * truthWidth, (row + 1) * truthWidth).every(Number.isFinite))
  const kept = rows.flatMap((_, row) => (isKnown(row) ? [row] : []))
  const width = rows[0]?.outputs.length ?? 0
  const outputs = new Float32Array(kept.length * width)
  kept.forEach((row, at) => {
    outputs.set(rows[row]?.outputs ?? [], at * width)
  })
  const own = truth.filter((_, at) => isKnown(Math.floor(at / truthWidth)))
  return { outputs, truth: own }
}
