import type { Db } from '../../db/client.ts'

/** A version, and the hash that it is kept under in memory. */
export interface VersionHash {
  name: string
  version: number
  sha256: string
}

/** Every version of every model, or of one; by name and number. */
export async function listVersionHashes(db: Db, name?: string): Promise<VersionHash[]> {
  const rows = await db.modelVersion.findMany({
    ...(name !== undefined && { where: { modelName: name } }),
    select: { modelName: true, version: true, sha256: true },
    orderBy: [{ modelName: 'asc' }, { version: 'asc' }],
  })
  return rows.map(({ modelName, version, sha256 }) => ({ name: modelName, version, sha256 }))
}
