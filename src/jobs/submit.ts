import { randomInt } from 'node:crypto'
import { findDataset, type StoredDataset } from '../datasets/repository.ts'
import type { Database } from '../db/client.ts'
import { AppError, fieldError } from '../errors.ts'
import { newId } from '../ids.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { keepBaseModel } from './base-repository.ts'
import { findBase } from './find-base.ts'
import { type JobSpec, resolveSpec } from './resolve-spec.ts'
import type { JobRequest } from './schemas.ts'
import { insertJob } from './state-repository.ts'

/** What submitting works with. */
export interface SubmitDeps {
  db: Database
  blobs: BlobStore
  trainerBytesMax: number
  residentBytesMax: number
}

/**
 * Checks a request against its dataset and base model, and fills in its defaults, without queueing anything.
 * @throws {AppError} VALIDATION_FAILED with every wrong field, DATASET_NOT_READY, MODEL_DAMAGED
 */
export async function planJob(
  deps: SubmitDeps,
  request: JobRequest,
): Promise<{ spec: JobSpec; dataset: StoredDataset }> {
  const dataset = await findDataset(deps.db, request.datasetId)
  if (!dataset) {
    throw fieldError('VALIDATION_FAILED', '/datasetId', `no dataset has the id ${request.datasetId}`)
  }
  if (dataset.status !== 'ready') {
    throw new AppError(
      'DATASET_NOT_READY',
      `the dataset ${dataset.id} must be ready; it is ${dataset.status}`,
    )
  }
  const base = request.baseModel ? await findBase(deps, request.baseModel) : null
  const spec = resolveSpec(request, dataset, deps, randomInt(2 ** 32), base)
  if ('errors' in spec) {
    const details = spec.errors.map(({ pointer, detail }) => `${pointer}: ${detail}`)
    throw new AppError('VALIDATION_FAILED', details.join('; '), { errors: spec.errors })
  }
  return { spec, dataset }
}

/**
 * Takes a job in: its row, its first event and its place in the waiting line are one transaction, so a job that was
 * answered for cannot be lost, and the queue server is not needed to take it.
 * @param apiKeyId - who submits it
 * @returns the id of the job
 * @throws {AppError} VALIDATION_FAILED, DATASET_NOT_READY, MODEL_DAMAGED
 */
export async function submitJob(
  deps: SubmitDeps,
  request: JobRequest,
  apiKeyId: string | null,
): Promise<string> {
  const { spec, dataset } = await planJob(deps, request)
  const id = newId('job')
  const name = request.name ?? dataset.name
  await deps.db.$transaction(async tx => {
    // Dataset and base model must not be deleted between the check and the insertion.
    const kept = await tx.$queryRaw<unknown[]>`SELECT 1 FROM datasets WHERE id = ${dataset.id} FOR SHARE`
    if (kept.length === 0) {
      throw fieldError('VALIDATION_FAILED', '/datasetId', `no dataset has the id ${dataset.id}`)
    }
    if (!(await keepBaseModel(tx, spec.baseModel))) {
      throw fieldError('VALIDATION_FAILED', '/baseModel/version', 'the version was deleted just now')
    }
    await insertJob(tx, {
      id,
      name,
      modelName: request.model?.name ?? name,
      datasetId: dataset.id,
      datasetSha256: dataset.sha256 ?? '',
      spec,
      metadata: request.metadata ?? {},
      priority: request.priority ?? 0,
      apiKeyId,
    })
  })
  return id
}
