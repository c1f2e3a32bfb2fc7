import { findDataset } from '../datasets/repository.ts'
import type { Database } from '../db/client.ts'
import { AppError, fieldError } from '../errors.ts'
import { newId } from '../ids.ts'
import type { PredictorCache } from '../inference/predictor-cache.ts'
import type { Manifest } from '../models/manifest.ts'
import { resolveVersion, type StoredVersion } from '../models/repository.ts'
import type { BatchInput } from './batch-input.ts'
import { chunkRowsOf } from './lifecycle.ts'
import { matchDataset } from './match-dataset.ts'
import { holdDataset, insertBatch, type NewBatch } from './repository.ts'
import type { BatchRequest, ModelReference } from './schemas.ts'

/** What submitting works with. */
export interface SubmitBatchDeps {
  db: Database
  predictors: PredictorCache
}

/** The version that is to predict. */
export interface ChosenModel {
  version: StoredVersion
  manifest: Manifest
}

/**
 * Finds the version that is to predict; what an alias means later does not matter.
 * @throws {AppError} VALIDATION_FAILED, MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND, ALIAS_NOT_FOUND, MODEL_DAMAGED
 */
export async function chooseModel(
  { db, predictors }: SubmitBatchDeps,
  { name, version: number, alias }: ModelReference,
): Promise<ChosenModel> {
  if (number !== undefined && alias !== undefined) {
    throw fieldError('VALIDATION_FAILED', '/model/alias', 'must not be given together with version')
  }
  const version = await resolveVersion(db, name, { version: number, alias })
  const { manifest } = await predictors.get(version)
  return { version, manifest }
}

/**
 * Takes the batch prediction of a dataset in.
 * @returns its id
 * @throws {AppError} VALIDATION_FAILED, DATASET_NOT_READY, and of `chooseModel`
 */
export async function submitBatch(
  deps: SubmitBatchDeps,
  request: BatchRequest,
  apiKeyId: string | null,
): Promise<string> {
  const model = await chooseModel(deps, request.model)
  const { datasetId } = request
  const dataset = await findDataset(deps.db, datasetId)
  if (!dataset) throw unknownDataset(datasetId)
  if (dataset.status !== 'ready') {
    throw new AppError('DATASET_NOT_READY', `the dataset ${datasetId} must be ready; it is ${dataset.status}`)
  }
  const split = request.split ?? (dataset.splits.test ? 'test' : 'train')
  const stored = dataset.splits[split]
  if (!stored) {
    const has = Object.keys(dataset.splits).join(', ')
    throw fieldError('VALIDATION_FAILED', '/split', `the dataset has the splits ${has}; received ${split}`)
  }
  const { input, warnings } = matchDataset(model.manifest, dataset, stored)
  const output = request.output ?? 'csv'
  const batch = describeBatch(model, input, { datasetId, split, output, warnings, apiKeyId })
  await deps.db.$transaction(async tx => {
    // From here on the batch keeps the files of the dataset, so it may be deleted.
    if (!(await holdDataset(tx, datasetId))) throw unknownDataset(datasetId)
    await insertBatch(tx, batch)
  })
  return batch.id
}

/** The row of a new batch prediction. */
export function describeBatch(
  { version, manifest }: ChosenModel,
  input: BatchInput,
  rest: Pick<NewBatch, 'datasetId' | 'split' | 'output' | 'warnings' | 'apiKeyId'>,
): NewBatch {
  const outputs = Math.max(1, manifest.classes.length, manifest.targets?.length ?? 0)
  const numbers = input.width + (manifest.input.columns?.length ?? 0) + outputs
  return {
    ...rest,
    id: newId('batch'),
    modelName: version.name,
    modelVersion: version.version,
    modelFiles: version.files,
    input,
    chunkRows: chunkRowsOf({ parameterCount: version.parameterCount, numbers }),
  }
}

function unknownDataset(id: string): AppError {
  return fieldError('VALIDATION_FAILED', '/datasetId', `no dataset has the id ${id}`)
}
