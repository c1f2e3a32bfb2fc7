import { expect, it } from 'vitest'
import { checkExamples } from '../../../src/datasets/check-examples.ts'
import { createDraftScope, endDraft, writePiece } from '../../../src/datasets/drafts.ts'
import type { PreparedDataset, PreparedSplit } from '../../../src/datasets/prepared.ts'
import { createDiskBlobStore } from '../../../src/storage/disk-blob-store.ts'
import { createTestFolder } from '../../helpers/folder.ts'

it('a large dataset is compared at once only when there is a split to leak into', async () => {
  const drafts = createDraftScope(createDiskBlobStore(await createTestFolder()))
  const write = async (bytes: Uint8Array) => {
    const draft = await drafts.open()
    await writePiece(draft, bytes)
    await endDraft(draft)
    return draft
  }
  const classCounts = { a: 1, b: 1 }
  const figures = { examples: 2, classCounts, min: 7, max: 7, mean: 7, standardDeviation: 0 }
  const split = async (): Promise<PreparedSplit> => ({
    examples: 2,
    classCounts,
    features: await write(Uint8Array.of(7, 7, 7, 7)),
    labels: await write(new Uint8Array(Int32Array.of(0, 1).buffer)),
    statistics: figures,
  })
  const train = await split()
  const dataset: PreparedDataset = {
    format: 'idx',
    kind: 'table',
    shape: [2],
    dtype: 'uint8',
    columns: null,
    task: 'classification',
    targets: [],
    classes: ['a', 'b'],
    splits: { train },
    warnings: [],
  }
  expect((await checkExamples(dataset, 4)).duplicates?.splits.train?.repeated).toBe(1)
  const later = await checkExamples(dataset, 3)
  expect([later.duplicates, later.warnings]).toEqual([null, []])
  const both = await checkExamples({ ...dataset, splits: { train, test: await split() } }, 3)
  expect(both.duplicates?.shared[0]?.examples).toBe(2)
  await drafts.discard()
})
