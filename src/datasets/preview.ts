import type { Readable } from 'node:stream'
import { FEATURE_BYTES, featureCount } from './content.ts'
import { describeExamples, labelWidth } from './examples.ts'
import type { PreparedDataset } from './prepared.ts'
import type { DatasetPreview } from './schemas.ts'

const EXAMPLES = 5

/** Shows what was read, with its first examples. */
export async function previewDataset(prepared: PreparedDataset): Promise<DatasetPreview> {
  const { train } = prepared.splits
  const count = Math.min(EXAMPLES, train?.examples ?? 0)
  const rowBytes = featureCount(prepared.shape) * FEATURE_BYTES[prepared.dtype]
  const labelBytes = 4 * labelWidth(prepared)
  const features = await readStart(train?.features.readBack(), count * rowBytes)
  const labels = await readStart(train?.labels.readBack(), count * labelBytes)
  const splits = Object.fromEntries(
    Object.entries(prepared.splits).map(([name, { examples, classCounts }]) => [
      name,
      { examples, classCounts },
    ]),
  )
  const { format, kind, shape, dtype, task, targets, columns, classes, warnings } = prepared
  const said = { format, kind, shape, dtype, task, targets, columns, classes, splits, warnings }
  return { ...said, examples: describeExamples(prepared, features, labels, count, 0) }
}

async function readStart(source: Readable | undefined, bytes: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let received = 0
  for await (const piece of source ?? []) {
    pieces.push(piece)
    received += piece.length
    if (received >= bytes) break
  }
  return Buffer.concat(pieces).subarray(0, bytes)
}
