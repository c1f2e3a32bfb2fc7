import type { BlobDraft } from '../storage/blob-store.ts'
import { type DatasetContent, hashContent, type StoredSplit } from './content.ts'
import type { NewDataset } from './repository.ts'
import { type DatasetFormat, type FeatureStatistics, SPLITS, type SplitName } from './schemas.ts'
import type { Duplicates } from './statistics/schemas.ts'

/** The examples of one split, read and checked, in ended drafts. */
export interface PreparedSplit extends Omit<StoredSplit, 'features' | 'labels'> {
  features: BlobDraft
  labels: BlobDraft
  statistics: FeatureStatistics
}

/** A dataset that is read and checked whole, and not yet stored. */
export interface PreparedDataset extends Omit<DatasetContent, 'splits'> {
  format: DatasetFormat
  splits: Partial<Record<SplitName, PreparedSplit>>
  warnings: string[]
}

/** A dataset whose examples were compared with each other. */
export interface CheckedDataset extends PreparedDataset {
  /** Null when that is still to be done. */
  duplicates: Duplicates | null
}

/** Begins to make all examples durable. */
export async function settleDataset({ splits }: Pick<PreparedDataset, 'splits'>): Promise<void> {
  for (const { features, labels } of Object.values(splits)) {
    await features.settle()
    await labels.settle()
  }
}

/** Makes all examples durable. */
export async function storeDataset(prepared: CheckedDataset, name: string): Promise<NewDataset> {
  const { format, warnings, splits, duplicates, ...rest } = prepared
  const content: DatasetContent = { ...rest, splits: {} }
  const statistics: NewDataset['statistics'] = { splits: {}, ...(duplicates && { duplicates }) }
  let bytes = 0
  for (const split of SPLITS) {
    const draft = splits[split]
    if (!draft) continue
    const features = await draft.features.keep()
    const labels = await draft.labels.keep()
    const { examples, classCounts } = draft
    content.splits[split] = { examples, classCounts, features: features.sha256, labels: labels.sha256 }
    statistics.splits[split] = draft.statistics
    bytes += features.bytes + labels.bytes
  }
  return { ...content, name, format, sha256: hashContent(content), bytes, statistics, warnings }
}
