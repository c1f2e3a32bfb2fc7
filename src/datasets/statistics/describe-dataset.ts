import type { Db } from '../../db/client.ts'
import { AppError } from '../../errors.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import { assertReady } from '../assert-ready.ts'
import type { InTurn } from '../in-turn.ts'
import { getDataset, getFigures, keepFigures, type StoredDataset, type UploadFigures } from '../repository.ts'
import { storedSources } from '../split-blocks.ts'
import { countDuplicates } from './count-duplicates.ts'
import { warnOfDuplicates } from './duplicate-warnings.ts'
import { lookAtArrays } from './look-at-arrays.ts'
import { lookAtColumns } from './look-at-columns.ts'
import { warnOfLook } from './look-warnings.ts'
import type { DatasetStatistics, TrainingLook } from './schemas.ts'

/** Gives the figures about a dataset. */
export type DescribeDataset = (id: string) => Promise<DatasetStatistics>

/**
 * Describes datasets. Splits are known since the upload, and mostly duplicates; the training split is looked at when somebody
 * asks for the first time, and what was found is kept. One dataset is looked at at a time, in pieces between which
 * other requests are answered, and once, however many ask meanwhile.
 */
export function createDatasetDescriber(deps: { db: Db; blobs: BlobStore; inTurn: InTurn }): DescribeDataset {
  const running = new Map<string, Promise<Figures>>()

  /** @throws {AppError} DATASET_NOT_FOUND, DATASET_NOT_READY */
  return async id => {
    const dataset = await getDataset(deps.db, id)
    assertReady(dataset)
    const known = await getFigures(deps.db, id)
    const { upload, trainingLook, warnings } = isWhole(known) ? known : await lookInTurn(dataset, known)
    return { ...upload, ...trainingLook, warnings: [...warnings, ...warnOfLook(trainingLook)] }
  }

  function lookInTurn(dataset: StoredDataset, known: Known): Promise<Figures> {
    const begun = running.get(dataset.id)
    if (begun !== undefined) return begun
    const look = deps
      .inTurn(() => lookAt(deps.blobs, dataset, known))
      .then(async figures => {
        await keepFigures(deps.db, dataset.id, figures)
        return figures
      })
      .finally(() => running.delete(dataset.id))
    running.set(dataset.id, look)
    return look
  }
}

type Known = Awaited<ReturnType<typeof getFigures>>

interface Figures {
  upload: Required<UploadFigures>
  trainingLook: TrainingLook
  /** Of the dataset. */
  warnings: string[]
}

function isWhole(known: Known): known is Figures {
  return known.trainingLook !== null && known.upload.duplicates !== undefined
}

async function lookAt(
  blobs: BlobStore,
  dataset: StoredDataset,
  { upload, warnings }: Known,
): Promise<Figures> {
  const sources = storedSources(blobs, dataset.splits)
  const duplicates = upload.duplicates ?? (await countDuplicates(dataset, sources))
  const [train] = sources // every dataset has one
  if (!train) throw new AppError('DATASET_NOT_READY', 'the dataset must have a training split')
  const figures = upload.splits.train ?? { min: null, max: null }
  const hasNumbers = dataset.columns !== null || dataset.task === 'regression'
  const nothing = { quartilesFrom: null, columns: null, targets: [] }
  const found = warnOfDuplicates(duplicates, dataset.splits, dataset.task)
  return {
    upload: { ...upload, duplicates },
    warnings: [...new Set([...warnings, ...found])], // the upload has told them when it counted
    trainingLook: {
      ...(hasNumbers ? await lookAtColumns(dataset, train) : nothing),
      features: dataset.columns === null ? await lookAtArrays(dataset, train, figures) : null,
    },
  }
}
