import { AppError } from '../../errors.ts'
import type { BlobDraft } from '../../storage/blob-store.ts'
import { type DraftScope, endDraft, writePiece } from '../drafts.ts'
import type { PreparedDataset } from '../prepared.ts'
import { encodeLabels, readNumbers } from './encode-labels.ts'
import { type InferredColumn, inferColumns } from './infer-columns.ts'
import { inferTask } from './infer-task.ts'
import type { Pass } from './read-table.ts'
import type { TableOptions } from './table-options.ts'

/**
 * Makes a dataset of rows that were read: finds out what columns and targets are, and brings the cells into their
 * stored form.
 * @throws {AppError} DATASET_INVALID
 */
export async function prepareTable(
  drafts: DraftScope,
  pass: Pass,
  options: TableOptions,
): Promise<PreparedDataset> {
  for (const [split, { examples }] of pass.splits) if (examples === 0) pass.splits.delete(split)
  if (!pass.splits.has('train'))
    throw new AppError('DATASET_INVALID', 'a table must have training rows; received none')
  const warnings: string[] = []
  const task = inferTask(pass, options.task)
  const targets = pass.encoders.filter(({ role }) => role === 'target')
  const inferred = inferColumns(pass, warnings)
  const { classes, splits: labels } = await encodeLabels(drafts, pass.splits, targets, task)
  const splits: PreparedDataset['splits'] = {}
  for (const [split, writer] of pass.splits) {
    const encoded = labels.get(split)
    if (!encoded) continue
    const features = await convertCells(drafts, writer.features, inferred)
    const { examples } = writer
    const { classCounts } = encoded
    const unsaid = { min: null, max: null, mean: null, standardDeviation: null } // each column has its own
    splits[split] = { examples, ...encoded, features, statistics: { examples, classCounts, ...unsaid } }
  }
  return {
    format: options.format,
    kind: 'table',
    shape: [inferred.length],
    dtype: 'float64',
    columns: inferred.map(({ column }) => column),
    task,
    targets: targets.map(({ name }) => name),
    classes,
    splits,
    warnings,
  }
}

/** The same draft where nothing is to be changed. */
async function convertCells(
  drafts: DraftScope,
  from: BlobDraft,
  inferred: readonly InferredColumn[],
): Promise<BlobDraft> {
  const width = inferred.length
  const conversions = inferred.flatMap(({ convert }, column) => (convert ? [{ convert, column }] : []))
  if (conversions.length === 0) return from
  const to = await drafts.open()
  for await (const cells of readNumbers(from, width)) {
    for (const { convert, column } of conversions) {
      for (let at = column; at < cells.length; at += width) {
        const cell = cells[at] ?? 0
        if (!Number.isNaN(cell)) cells[at] = convert(cell)
      }
    }
    await writePiece(to, Buffer.from(cells.buffer))
  }
  await endDraft(to)
  await from.discard()
  return to
}
