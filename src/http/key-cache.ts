import type { Listener } from '../db/listen.ts'
import { createRemembered } from '../db/remembered.ts'
import type { FindKeyId } from './auth.ts'

/**
 * Remembers good keys until Postgres tells that they changed, so a revocation counts within a second in every process.
 * Keys that are not good are asked for each time.
 * @param findKeyId - asks the database
 */
export function createKeyCache(
  findKeyId: (sha256: string) => Promise<string | null>,
  listener: Listener,
  onError: (error: unknown) => void,
): FindKeyId {
  const remembered = createRemembered<string>(listener, { channel: 'trainyard_key', onError })
  return sha256 => remembered.get(sha256, '', () => findKeyId(sha256))
}
