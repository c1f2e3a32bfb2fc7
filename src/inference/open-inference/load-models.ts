import type { Database } from '../../db/client.ts'
import { AppError, fieldError } from '../../errors.ts'
import type { StoredVersion } from '../../models/repository.ts'
import type { VersionCache } from '../../models/version-cache.ts'
import type { PredictorCache } from '../predictor-cache.ts'
import { listVersionHashes } from './repository.ts'
import type { RepositoryIndex } from './schemas.ts'

/** What the repository of models works with. */
export interface RepositoryDeps {
  db: Database
  versions: VersionCache
  predictors: PredictorCache
}

/**
 * Where every version is, in this process. Those that are not in memory are loaded by the first request.
 * @param isReady - only those in memory
 */
export async function indexModels(
  { db, predictors }: RepositoryDeps,
  isReady: boolean,
): Promise<RepositoryIndex> {
  const all = (await listVersionHashes(db)).map(({ name, version, sha256 }) => ({
    name,
    version: String(version),
    ...describeState(predictors, sha256),
  }))
  return isReady ? all.filter(({ state }) => state === 'READY') : all
}

function describeState(predictors: PredictorCache, sha256: string) {
  switch (predictors.stateOf(sha256)) {
    case 'pinned':
      return { state: 'READY' as const, reason: 'loaded on demand of a client; it goes last' }
    case 'loaded':
      return { state: 'READY' as const, reason: '' }
    case 'stored':
      return { state: 'UNAVAILABLE' as const, reason: 'not in memory; the next request loads it' }
  }
}

/**
 * Loads what a request without a version may meet, all versions of a split, to stay before all others.
 * @throws {AppError} MODEL_NOT_FOUND, MODEL_DAMAGED
 */
export async function loadModel(deps: RepositoryDeps, name: string): Promise<void> {
  const main = await deps.versions.resolve(name, {})
  for (const { version } of main.traffic?.targets ?? [main]) {
    const target: StoredVersion =
      version === main.version ? main : await deps.versions.resolve(name, { version })
    await deps.predictors.pin(target)
  }
}

/** Frees the memory of every version of a model. @throws {AppError} MODEL_NOT_FOUND */
export async function unloadModel({ db, predictors }: RepositoryDeps, name: string): Promise<void> {
  const versions = await listVersionHashes(db, name)
  if (versions.length === 0) throw new AppError('MODEL_NOT_FOUND', `there is no model ${name}`)
  for (const { sha256 } of versions) predictors.evict(sha256)
}

/** @throws {AppError} VALIDATION_FAILED for what a load may bring in Triton, files or another configuration */
export function refuseOverrides(parameters: object): void {
  const [given] = Object.keys(parameters).filter(key => key === 'config' || key.startsWith('file:'))
  if (given === undefined) return
  const detail = 'a version must be loaded as it was trained; files and configurations cannot be given'
  throw fieldError('VALIDATION_FAILED', `/parameters/${given}`, detail)
}
