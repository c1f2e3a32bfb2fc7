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

/** Keeps a stream token of a key, by its hash. @returns until when it is good */
export async function saveStreamToken(
  db: Db,
  token: { sha256: string; apiKeyId: string; seconds: number },
): Promise<Date> {
  const [row] = await db.$queryRaw<{ expiresAt: Date }[]>`
    INSERT INTO stream_tokens (sha256, api_key_id, expires_at)
    VALUES (${token.sha256}, ${token.apiKeyId}, now() + make_interval(secs => ${token.seconds}))
    RETURNING expires_at AS "expiresAt"`
  if (!row) throw new Error('an inserted token must come back')
  return row.expiresAt
}

/** @returns the id of the key that the token stands for; null when it has expired, or the key was revoked */
export async function findStreamTokenKeyId(db: Db, sha256: string): Promise<string | null> {
  const [row] = await db.$queryRaw<{ id: string }[]>`
    SELECT api_keys.id FROM stream_tokens JOIN api_keys ON api_keys.id = api_key_id
    WHERE stream_tokens.sha256 = ${sha256} AND expires_at > now() AND revoked_at IS NULL`
  return row?.id ?? null
}

/** Deletes tokens that have expired. @returns how many */
export async function deleteExpiredTokens(db: Db): Promise<number> {
  return db.$executeRaw`DELETE FROM stream_tokens WHERE expires_at <= now()`
}
