import type { Database, Db } from '../db/client.ts'
import type { Alias, AliasTarget, Prisma, ModelVersion as VersionRow } from '../db/generated/client.ts'
import { AppError } from '../errors.ts'
import type { Traffic } from './aliases/state.ts'
import type { Artifact, ArtifactFile } from './artifact.ts'
import type { Lineage } from './lineage.ts'
import type { Manifest } from './manifest.ts'
import type { Description, Model, ModelVersion } from './schemas.ts'

/** A version as it is stored: with its files. */
export interface StoredVersion extends ModelVersion {
  files: Record<ArtifactFile, string>
  /** Blob of what it took each example of its evaluation for; null without one. */
  outcomes: string | null
  /** What the alias that led here does with its traffic; null: none did, or it is `latest`. */
  traffic: Traffic | null
}

/** The alias that always means the newest version. */
export const LATEST = 'latest'

/** The alias that a prediction without version or alias takes first. */
const PRODUCTION = 'production'

/** What a version has besides its artifact. */
export interface VersionDetails {
  lineage?: Lineage | null
  /** Blob of its outcomes. */
  outcomes?: string | null
  /** What its owner says of it. */
  said?: Description
}

/**
 * Adds the next version of a model, in the caller's transaction. Numbers have no gaps, and none is used again.
 * @returns the number
 */
export async function insertVersion(
  tx: Db,
  modelName: string,
  artifact: Artifact,
  manifest: Omit<Manifest, 'weights' | 'files' | 'format'>,
  { lineage = null, outcomes = null, said = {} }: VersionDetails = {},
): Promise<number> {
  const { lastVersion: version } = await tx.model.upsert({
    where: { name: modelName },
    create: { name: modelName, lastVersion: 1 },
    update: { lastVersion: { increment: 1 } },
  })
  await tx.modelVersion.create({
    data: {
      modelName,
      version,
      jobId: manifest.jobId,
      datasetId: manifest.dataset?.id ?? null,
      datasetSha256: manifest.dataset?.sha256 ?? null,
      sha256: artifact.sha256,
      bytes: artifact.bytes,
      files: artifact.files,
      kind: manifest.kind,
      inputShape: manifest.input.shape,
      classes: manifest.classes,
      parameterCount: manifest.parameterCount,
      preprocessing: manifest.preprocessing as unknown as Prisma.InputJsonObject,
      metrics: manifest.metrics,
      temperature: manifest.calibration?.temperature ?? null,
      outcomes,
      ...toColumns(said),
      ...(lineage && { lineage: JSON.parse(JSON.stringify(lineage)) }), // Prisma's type of JSON takes no interfaces
    },
  })
  return version
}

/** What a prediction names: nothing, a version, or an alias. */
export interface VersionReference {
  version?: number | undefined
  alias?: string | undefined
}

/**
 * Finds the version that a reference means: without version or alias `production` if there is one, else the newest.
 * Of an alias that is split it is the version with the greatest weight, with the others in `traffic`.
 * @throws {AppError} MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND, ALIAS_NOT_FOUND
 */
export async function resolveVersion(
  db: Db,
  name: string,
  reference: VersionReference,
): Promise<StoredVersion> {
  const { aliases, newest } = await readAliases(db, name)
  const { alias } = reference
  if (alias !== undefined && alias !== LATEST && !aliases.has(alias)) {
    throw new AppError('ALIAS_NOT_FOUND', `the model ${name} has no alias ${alias}`)
  }
  const owner = reference.version === undefined ? aliases.get(alias ?? PRODUCTION) : undefined
  const version = reference.version ?? owner?.version ?? newest
  const row = await db.modelVersion.findUnique({ where: { modelName_version: { modelName: name, version } } })
  if (!row) throw new AppError('MODEL_VERSION_NOT_FOUND', `the model ${name} has no version ${version}`)
  const stored = toStored(row, namesOf(aliases.values(), version, newest))
  return owner ? { ...stored, traffic: toTraffic(owner) } : stored
}

/** An alias with its parts of the traffic. */
type AliasRow = Alias & { shares: AliasTarget[] }

async function readAliases(db: Db, name: string) {
  const model = await db.model.findUnique({
    where: { name },
    include: { versions: { select: { version: true }, orderBy: { version: 'desc' }, take: 1 } },
  })
  if (!model) throw new AppError('MODEL_NOT_FOUND', `there is no model ${name}`)
  const rows = await db.alias.findMany({ where: { modelName: name }, include: { shares: true } })
  return {
    aliases: new Map(rows.map(row => [row.alias, row])),
    newest: model.versions[0]?.version ?? 0,
  }
}

/** What an alias does with its traffic. */
export function toTraffic({ alias, version, shadow, shares, moveId }: AliasRow): Traffic {
  const targets =
    shares.length === 0
      ? [{ version, weight: 100 }]
      : shares.map(({ version, weight }) => ({ version, weight })).sort((a, b) => a.version - b.version)
  return { alias, targets, shadow, move: Number(moveId ?? 0) }
}

/** @throws {AppError} MODEL_NOT_FOUND */
export async function getModel(db: Db, name: string): Promise<Model> {
  const [model] = await findModels(db, { name })
  if (!model) throw new AppError('MODEL_NOT_FOUND', `there is no model ${name}`)
  return model
}

/** What a list is narrowed to. */
interface ListQuery<Cursor> {
  limit: number
  after?: Cursor | undefined
  tag?: string | undefined
}

/** By name; one more than `limit`, when there are more. */
export async function listModels(db: Db, { limit, after, tag }: ListQuery<string>): Promise<Model[]> {
  const where = {
    ...(after !== undefined && { name: { gt: after } }),
    ...(tag !== undefined && { tags: { has: tag } }),
  }
  return findModels(db, where, limit + 1)
}

async function findModels(
  db: Db,
  where: { name?: string | { gt: string }; tags?: { has: string } },
  take = 1,
): Promise<Model[]> {
  const rows = await db.model.findMany({
    where,
    orderBy: { name: 'asc' },
    take,
    include: {
      versions: { select: { version: true, aliases: true }, orderBy: { version: 'desc' } },
    },
  })
  return rows.map(({ name, description, tags, createdAt, versions }) => ({
    name,
    description,
    tags,
    versions: versions.map(({ version }) => version),
    aliases: {
      ...Object.fromEntries(
        versions.flatMap(({ aliases }) => aliases.map(({ alias, version }) => [alias, version])),
      ),
      ...(versions[0] && { [LATEST]: versions[0].version }),
    },
    createdAt: createdAt.toISOString(),
  }))
}

/** Newest first; one more than `limit`, when there are more. @throws {AppError} MODEL_NOT_FOUND */
export async function listVersions(
  db: Db,
  name: string,
  { limit, after, tag }: ListQuery<number>,
): Promise<StoredVersion[]> {
  const { aliases, newest } = await readAliases(db, name)
  const rows = await db.modelVersion.findMany({
    where: {
      modelName: name,
      ...(after !== undefined && { version: { lt: after } }),
      ...(tag !== undefined && { tags: { has: tag } }),
    },
    orderBy: { version: 'desc' },
    take: limit + 1,
  })
  return rows.map(row => toStored(row, namesOf(aliases.values(), row.version, newest)))
}

/** Changes what is said of a model. @throws {AppError} MODEL_NOT_FOUND */
export async function describeModel(db: Database, name: string, said: Description): Promise<void> {
  await db.$transaction(async tx => {
    const { count } = await tx.model.updateMany({ where: { name }, data: toColumns(said) })
    if (count === 0) throw new AppError('MODEL_NOT_FOUND', `there is no model ${name}`)
  })
}

/** Changes what is said of a version. @throws {AppError} MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND */
export async function describeVersion(
  db: Database,
  name: string,
  version: number,
  said: Description,
): Promise<void> {
  await db.$transaction(async tx => {
    await resolveVersion(tx, name, { version })
    await tx.modelVersion.update({
      where: { modelName_version: { modelName: name, version } },
      data: toColumns(said),
    })
  })
}

function toColumns({ description, tags }: Description) {
  return { ...(description !== undefined && { description }), ...(tags !== undefined && { tags }) }
}

/** Keeps versions and aliases of a model from being changed by others until the transaction ends. */
export async function lockModel(tx: Db, name: string): Promise<void> {
  await tx.$queryRaw`SELECT 1 FROM models WHERE name = ${name} FOR UPDATE`
}

/**
 * Removes a version that no alias needs, and no job that has not ended. Its row is locked before the jobs are looked
 * for, and a job that begins with it is submitted under a lock on the same row, so neither can slip by the other.
 * @throws {AppError} MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND, MODEL_VERSION_IN_USE
 */
export async function deleteVersion(db: Database, name: string, version: number): Promise<void> {
  await db.$transaction(async tx => {
    await lockModel(tx, name)
    const { aliases } = await readAliases(tx, name)
    await resolveVersion(tx, name, { version })
    const holding = [...aliases.values()].filter(row => isHeldBy(row, version)).map(({ alias }) => alias)
    if (holding.length > 0) {
      throw new AppError('MODEL_VERSION_IN_USE', `aliases must point elsewhere first: ${holding.join(', ')}`)
    }
    await tx.$queryRaw`
      SELECT 1 FROM model_versions WHERE model_name = ${name} AND version = ${version} FOR UPDATE`
    const jobs = await tx.job.findMany({
      where: {
        status: { in: ['queued', 'running', 'paused'] },
        AND: [
          { baseModel: { path: ['name'], equals: name } },
          { baseModel: { path: ['version'], equals: version } },
        ],
      },
      select: { id: true },
      take: 3,
    })
    if (jobs.length > 0) {
      const ids = jobs.map(({ id }) => id).join(', ')
      throw new AppError('MODEL_VERSION_IN_USE', `jobs that begin with it must end first: ${ids}`)
    }
    await tx.modelVersion.delete({ where: { modelName_version: { modelName: name, version } } })
  })
}

function isHeldBy(row: AliasRow, version: number): boolean {
  return row.shadow === version || toTraffic(row).targets.some(target => target.version === version)
}

function namesOf(aliases: Iterable<AliasRow>, version: number, newest: number): string[] {
  const names = [...aliases]
    .filter(row => toTraffic(row).targets.some(target => target.version === version))
    .map(({ alias }) => alias)
  return version === newest ? [...names, LATEST] : names
}

function toStored({ modelName, bytes, createdAt, ...row }: VersionRow, aliases: string[]): StoredVersion {
  return {
    ...row,
    name: modelName,
    aliases,
    traffic: null,
    bytes: Number(bytes),
    files: row.files as StoredVersion['files'], // JSON columns are written by insertVersion only
    preprocessing: row.preprocessing as StoredVersion['preprocessing'],
    metrics: row.metrics as StoredVersion['metrics'],
    lineage: row.lineage as StoredVersion['lineage'],
    createdAt: createdAt.toISOString(),
  }
}
