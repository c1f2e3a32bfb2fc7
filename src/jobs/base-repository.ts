import type { Db } from '../db/client.ts'

/** A version that a job begins with, by its name. */
export interface BaseReference {
  name: string
  version: number
}

/** The version that a job begins with; null: it begins with none. */
export async function findBaseModel(db: Db, jobId: string): Promise<BaseReference | null> {
  const row = await db.job.findUnique({ where: { id: jobId }, select: { baseModel: true } })
  return (row?.baseModel ?? null) as BaseReference | null // written by insertJob only
}

/**
 * Keeps the version from being deleted until the transaction ends; from then on the job's own row does.
 * @returns false when it is gone
 */
export async function keepBaseModel(tx: Db, base: BaseReference | null): Promise<boolean> {
  if (base === null) return true
  const kept = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM model_versions WHERE model_name = ${base.name} AND version = ${base.version} FOR SHARE`
  return kept.length > 0
}
