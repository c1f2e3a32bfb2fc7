import type { Db } from '../../db/client.ts'
import { AppError } from '../../errors.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import { assertReady } from '../assert-ready.ts'
import type { InTurn } from '../in-turn.ts'
import { findDataset, findVersion, findVersionBefore, getDataset, type StoredDataset } from '../repository.ts'
import { storedSources } from '../split-blocks.ts'
import { compareDatasets } from './compare-datasets.ts'
import { compareRows } from './compare-rows.ts'
import type { DatasetChanges } from './schemas.ts'

/**
 * Says what changed between an earlier dataset and one.
 * @param since - a version of the same name, or the id of a dataset; null: the version before
 * @throws {AppError} DATASET_NOT_FOUND, also when there is no version before; VALIDATION_FAILED when `since` names none;
 *   DATASET_NOT_READY
 */
export async function describeChanges(
  deps: { db: Db; blobs: BlobStore; inTurn: InTurn },
  id: string,
  since: string | null,
): Promise<DatasetChanges> {
  const after = await getDataset(deps.db, id)
  assertReady(after)
  const before = await findSince(deps.db, after, since)
  assertReady(before)
  const sideOf = (meaning: StoredDataset) => ({ meaning, sources: storedSources(deps.blobs, meaning.splits) })
  const changes = compareDatasets(before, after)
  if (changes.isEqual) return { ...changes, rows: allEqual(after) }
  return { ...changes, rows: await deps.inTurn(() => compareRows(sideOf(before), sideOf(after))) }
}

/** What there is to say without reading when the content is the same. */
function allEqual({ splits }: StoredDataset): DatasetChanges['rows'] {
  const equal = Object.values(splits).reduce((sum, { examples }) => sum + examples, 0)
  return { equal, added: 0, removed: 0, sampledShare: 1 }
}

async function findSince(db: Db, dataset: StoredDataset, since: string | null): Promise<StoredDataset> {
  const { name, version } = dataset
  if (since === null) {
    const before = await findVersionBefore(db, dataset)
    if (before) return before
    throw new AppError('DATASET_NOT_FOUND', `${name} has no version before ${version}`)
  }
  const isVersion = /^[1-9]\d{0,8}$/.test(since)
  const found = await (isVersion ? findVersion(db, name, Number(since)) : findDataset(db, since))
  if (found) return found
  const detail = `since must be a version of ${name}, or the id of a dataset; received ${since}`
  throw new AppError('VALIDATION_FAILED', detail, { errors: [{ parameter: 'since', detail }] })
}
