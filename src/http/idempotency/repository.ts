import type { Db } from '../../db/client.ts'

/** How long an answer is kept. */
const KEPT_HOURS = 24

/** A key of a client, among the keys of its API key. */
export interface KeyScope {
  apiKeyId: string
  key: string
}

/** An answer, as it was sent. */
export interface StoredAnswer {
  fingerprint: string
  status: number
  location: string | null
  contentType: string
  /** Headers that belong to this body and not to every answer. */
  headers: Record<string, string>
  body: string | Buffer
}

/**
 * Takes a key for the rest of the transaction.
 * @returns false when another transaction holds it. Nobody waits: waiting twins would take up the connections.
 */
export async function lockKey(tx: Db, { apiKeyId, key }: KeyScope): Promise<boolean> {
  const name = `idempotency ${apiKeyId} ${key}`
  const [lock] = await tx.$queryRaw<{ mine: boolean }[]>`
    SELECT pg_try_advisory_xact_lock(hashtextextended(${name}, 0)) AS mine`
  return lock?.mine ?? false
}

/** @returns null when there is none, or it is too old */
export async function findAnswer(db: Db, { apiKeyId, key }: KeyScope): Promise<StoredAnswer | null> {
  const [row] = await db.$queryRaw<(StoredAnswer & { body: Uint8Array })[]>`
    SELECT fingerprint, status, location, content_type AS "contentType", headers, body FROM idempotent_answers
    WHERE api_key_id = ${apiKeyId} AND key = ${key} AND created_at > now() - make_interval(hours => ${KEPT_HOURS})`
  return row ? { ...row, body: Buffer.from(row.body) } : null
}

/** Keeps an answer, in the place of one that is too old. The caller holds the key's lock. */
export async function saveAnswer(tx: Db, scope: KeyScope, answer: StoredAnswer): Promise<void> {
  const { apiKeyId, key } = scope
  const { fingerprint, status, location, contentType } = answer
  const headers = JSON.stringify(answer.headers)
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body
  await tx.$executeRaw`
    INSERT INTO idempotent_answers (api_key_id, key, fingerprint, status, location, content_type, headers, body)
    VALUES (${apiKeyId}, ${key}, ${fingerprint}, ${status}, ${location}, ${contentType}, ${headers}::jsonb, ${body})
    ON CONFLICT (api_key_id, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status,
      location = excluded.location, content_type = excluded.content_type, headers = excluded.headers,
      body = excluded.body, created_at = now()`
}

/** Deletes answers that are too old. @returns how many */
export async function deleteOldAnswers(db: Db): Promise<number> {
  return db.$executeRaw`
    DELETE FROM idempotent_answers WHERE created_at <= now() - make_interval(hours => ${KEPT_HOURS})`
}
