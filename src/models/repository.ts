import type { Database, Db } from '../db/client.ts'
import type { Alias, Prisma, ModelVersion as VersionRow } from '../db/generated/client.ts'
import { AppError } from '../errors.ts'
import type { Artifact, ArtifactFile } from './artifact.ts'
import type { Manifest } from './manifest.ts'
import type { Model, ModelVersion } from './schemas.ts'

/** A version as it is stored: with its files. */
export interface StoredVersion extends ModelVersion {
  files: Record<ArtifactFile, string>
}

/** The alias that always means the newest version. */
export const LATEST = 'latest'

/** The alias that a prediction without version or alias takes first. */
const PRODUCTION = 'production'

/**
 * Adds the next version of a model, in the caller's transaction. Numbers have no gaps, and none is used again.
 * @returns the number
 */
export async function insertVersion(
  tx: Db,
  modelName: string,
  artifact: Artifact,
  manifest: Omit<Manifest, 'weights' | 'files' | 'format'>,
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
      datasetId: manifest.dataset.id,
      datasetSha256: manifest.dataset.sha256,
      sha256: artifact.sha256,
      bytes: artifact.bytes,
      files: artifact.files,
      kind: manifest.kind,
      inputShape: manifest.input.shape,
      classes: manifest.classes,
      parameterCount: manifest.parameterCount,
      preprocessing: manifest.preprocessing as unknown as Prisma.InputJsonObject,
      metrics: manifest.metrics,
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
  const version = reference.version ?? aliases.get(alias ?? PRODUCTION) ?? newest
  const row = await db.modelVersion.findUnique({ where: { modelName_version: { modelName: name, version } } })
  if (!row) throw new AppError('MODEL_VERSION_NOT_FOUND', `the model ${name} has no version ${version}`)
  return toStored(row, namesOf(aliases, newest, version))
}

async function readAliases(db: Db, name: string): Promise<{ aliases: Map<string, number>; newest: number }> {
  const model = await db.model.findUnique({
    where: { name },
    include: { versions: { select: { version: true }, orderBy: { version: 'desc' }, take: 1 } },
  })
  if (!model) throw new AppError('MODEL_NOT_FOUND', `there is no model ${name}`)
  const rows = await db.alias.findMany({ where: { modelName: name } })
  return { aliases: toMap(rows), newest: model.versions[0]?.version ?? 0 }
}

/** @throws {AppError} MODEL_NOT_FOUND */
export async function getModel(db: Db, name: string): Promise<Model> {
  const [model] = await findModels(db, { name })
  if (!model) throw new AppError('MODEL_NOT_FOUND', `there is no model ${name}`)
  return model
}

/** By name; one more than `limit`, when there are more. */
export async function listModels(
  db: Db,
  query: { limit: number; after?: string | undefined },
): Promise<Model[]> {
  return findModels(db, query.after ? { name: { gt: query.after } } : {}, query.limit + 1)
}

async function findModels(db: Db, where: { name?: string | { gt: string } }, take = 1): Promise<Model[]> {
  const rows = await db.model.findMany({
    where,
    orderBy: { name: 'asc' },
    take,
    include: {
      versions: { select: { version: true, aliases: true }, orderBy: { version: 'desc' } },
    },
  })
  return rows.map(({ name, createdAt, versions }) => ({
    name,
    versions: versions.map(({ version }) => version),
    aliases: {
      ...Object.fromEntries(toMap(versions.flatMap(({ aliases }) => aliases))),
      ...(versions[0] && { [LATEST]: versions[0].version }),
    },
    createdAt: createdAt.toISOString(),
  }))
}

/** Lets an alias point to a version. @throws {AppError} MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND */
export async function setAlias(db: Database, name: string, alias: string, version: number): Promise<void> {
  await db.$transaction(async tx => {
    await lockModel(tx, name) // the version must not be deleted in between
    await resolveVersion(tx, name, { version })
    await tx.alias.upsert({
      where: { modelName_alias: { modelName: name, alias } },
      create: { modelName: name, alias, version },
      update: { version, updatedAt: new Date() },
    })
  })
}

async function lockModel(tx: Db, name: string): Promise<void> {
  await tx.$queryRaw`SELECT 1 FROM models WHERE name = ${name} FOR UPDATE`
}

/** @throws {AppError} ALIAS_NOT_FOUND */
export async function deleteAlias(db: Db, name: string, alias: string): Promise<void> {
  const { count } = await db.alias.deleteMany({ where: { modelName: name, alias } })
  if (count === 0) throw new AppError('ALIAS_NOT_FOUND', `the model ${name} has no alias ${alias}`)
}

/**
 * Removes a version that no alias points to.
 * @throws {AppError} MODEL_NOT_FOUND, MODEL_VERSION_NOT_FOUND, MODEL_VERSION_IN_USE
 */
export async function deleteVersion(db: Database, name: string, version: number): Promise<void> {
  await db.$transaction(async tx => {
    await lockModel(tx, name)
    const { aliases } = await resolveVersion(tx, name, { version })
    const holding = aliases.filter(alias => alias !== LATEST)
    if (holding.length > 0) {
      throw new AppError('MODEL_VERSION_IN_USE', `aliases must point elsewhere first: ${holding.join(', ')}`)
    }
    await tx.modelVersion.delete({ where: { modelName_version: { modelName: name, version } } })
  })
}

function toMap(rows: readonly Alias[]): Map<string, number> {
  return new Map(rows.map(({ alias, version }) => [alias, version]))
}

function namesOf(aliases: ReadonlyMap<string, number>, newest: number, version: number): string[] {
  const names = [...aliases].filter(([, target]) => target === version).map(([alias]) => alias)
  return version === newest ? [...names, LATEST] : names
}

function toStored({ modelName, bytes, createdAt, ...row }: VersionRow, aliases: string[]): StoredVersion {
  return {
    ...row,
    name: modelName,
    aliases,
    bytes: Number(bytes),
    files: row.files as StoredVersion['files'], // JSON columns are written by insertVersion only
    preprocessing: row.preprocessing as StoredVersion['preprocessing'],
    metrics: row.metrics as StoredVersion['metrics'],
    createdAt: createdAt.toISOString(),
  }
}
