import type { Database, Db } from '../db/client.ts'
import { newId } from '../ids.ts'

const BOOTSTRAP = 'bootstrap'

/** Makes the bootstrap key, by its hash, the only one of its kind: an earlier one stops working. */
export async function saveBootstrapKey(db: Database, sha256: string): Promise<void> {
  await db.$transaction([
    db.apiKey.updateMany({
      where: { name: BOOTSTRAP, sha256: { not: sha256 }, revokedAt: null },
      data: { revokedAt: new Date() },
    }),
    db.apiKey.upsert({
      where: { sha256 },
      create: { id: newId('key'), name: BOOTSTRAP, sha256 },
      update: { revokedAt: null },
    }),
  ])
}

/** @returns the id of the key with this hash; null when there is none, or it was revoked */
export async function findKeyId(db: Db, sha256: string): Promise<string | null> {
  const row = await db.apiKey.findFirst({ where: { sha256, revokedAt: null }, select: { id: true } })
  return row?.id ?? null
}
