import type { Database } from '../db/client.ts'
import type { Listener } from '../db/listen.ts'
import { createRemembered } from '../db/remembered.ts'
import { resolveVersion, type StoredVersion, type VersionReference } from './repository.ts'

/** Versions by what requests call them. */
export interface VersionCache {
  /**
   * Finds the version that a reference means, as `resolveVersion` does, but mostly without a query and at once.
   * @throws {AppError} of `resolveVersion`
   */
  resolve(name: string, reference: VersionReference): StoredVersion | Promise<StoredVersion>
  /** Brings what is known of a model up to date, so that whoever changed it meets the change in this process. */
  renew(name: string): Promise<void>
}

/**
 * Remembers what names, numbers and aliases mean until Postgres tells of a change, so within a second in every
 * process. An alias that moves answers with its old version until the new one is ready.
 * @param prepare - makes a version ready; when that fails the old one stays
 */
export function createVersionCache(
  db: Database,
  listener: Listener,
  {
    prepare,
    onError,
  }: { prepare: (version: StoredVersion) => Promise<unknown>; onError: (error: unknown) => void },
): VersionCache {
  const remembered = createRemembered<StoredVersion>(listener, {
    channel: 'trainyard_model',
    // What is said of a version changes, its files never do.
    prepare: async (version, before) => {
      if (version.sha256 !== before.sha256) await prepare(version)
    },
    onError,
  })
  return {
    renew: name => remembered.renew(name),
    resolve(name, { version, alias }) {
      const question = version === undefined ? `alias ${alias ?? ''}` : `version ${version}`
      const ask = () => resolveVersion(db, name, { version, alias })
      const found = remembered.get(name, question, ask)
      return found instanceof Promise ? found.then(value => value ?? ask()) : (found ?? ask())
    },
  }
}
