import { isDeepStrictEqual } from 'node:util'
import type { Database, Db } from '../../db/client.ts'
import { AppError, type FieldError } from '../../errors.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import { readArtifact } from '../artifact.ts'
import { evaluated } from '../comparison/compare.ts'
import { lockModel, resolveVersion } from '../repository.ts'
import { failedGates } from './gates.ts'
import { findActor, findAlias, findGates, writeMove } from './repository.ts'
import { type Allocation, mainVersion } from './state.ts'

/** What moving an alias works with. */
export interface AliasDeps {
  db: Database
  blobs: BlobStore
}

/** An alias of a model, and who wants something of it. */
export interface AliasCall {
  name: string
  alias: string
  /** What the caller gave for the history. */
  reason: string | null
  apiKeyId: string | null
}

/**
 * Sends the traffic of an alias elsewhere, if the versions that shall answer pass its gates, and writes it into the
 * history. What is so already is left as it is.
 * @param force - moves it though gates fail; the history keeps which
 * @throws {AppError} MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND, MODEL_DAMAGED, GATE_FAILED with a sentence for each gate
 */
export async function moveAlias(
  { db, blobs }: AliasDeps,
  { name, alias, reason, apiKeyId }: AliasCall,
  to: Allocation,
  force: boolean,
): Promise<void> {
  await assertWhole({ db, blobs }, name, to)
  await db.$transaction(async tx => {
    await lockModel(tx, name) // no version must be deleted in between, nor the alias be moved
    await assertVersions(tx, name, to)
    const from = await findAllocation(tx, name, alias)
    if (isDeepStrictEqual(from, to)) return
    const failures = await checkGates(tx, blobs, { name, alias }, from, to)
    if (failures.length > 0 && !force) {
      const details = failures.map(({ detail }) => detail)
      throw new AppError('GATE_FAILED', details.join('; '), { errors: failures })
    }
    await writeMove(tx, name, alias, {
      kind: 'set',
      from,
      to,
      reason,
      overridden: failures.map(({ detail }) => detail),
      undoes: null,
      by: await findActor(tx, apiKeyId),
    })
  })
}

/**
 * Reads every version that is to answer: a process that starts later has no other to fall back on.
 * @throws {AppError} MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND, MODEL_DAMAGED
 */
async function assertWhole(
  { db, blobs }: AliasDeps,
  name: string,
  { targets, shadow }: Allocation,
): Promise<void> {
  const versions = targets.map(({ version }) => version)
  for (const version of shadow === null ? versions : [...versions, shadow]) {
    const { files } = await resolveVersion(db, name, { version })
    await readArtifact(blobs, files)
  }
}

/** @throws {AppError} MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND */
export async function assertVersions(tx: Db, name: string, { targets, shadow }: Allocation): Promise<void> {
  for (const { version } of targets) await resolveVersion(tx, name, { version })
  if (shadow !== null) await resolveVersion(tx, name, { version: shadow })
}

/** Where the traffic of an alias goes; null when there is none. */
export async function findAllocation(db: Db, name: string, alias: string): Promise<Allocation | null> {
  const state = await findAlias(db, name, alias)
  return state && { targets: state.targets, shadow: state.shadow }
}

/** Every version that shall answer is asked, but for the one that the alias means already. */
async function checkGates(
  tx: Db,
  blobs: BlobStore,
  { name, alias }: Pick<AliasCall, 'name' | 'alias'>,
  from: Allocation | null,
  to: Allocation,
): Promise<FieldError[]> {
  const found = await findGates(tx, name, alias)
  if (!found) return []
  const read = async (version: number) => evaluated(blobs, await resolveVersion(tx, name, { version }))
  const main = from && mainVersion(from)
  const current = main === null ? null : await read(main)
  const failures: FieldError[] = []
  for (const [index, { version }] of to.targets.entries()) {
    if (version === main) continue
    const pointer = to.targets.length === 1 ? '/version' : `/targets/${index}/version`
    const details = failedGates(found.gates, await read(version), current)
    failures.push(...details.map(detail => ({ pointer, detail })))
  }
  return failures
}
