import { ulid } from 'ulid'

/** What an id names, by its prefix. */
export type IdPrefix = 'ds' | 'job' | 'batch' | 'key' | 'upl' | 'worker'

/**
 * A new id: prefix and ULID, so that ids sort by the time they were made.
 * @example `job_01KAV5Q2M3ZJ8C1N4R7T9WXYZ0`
 */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${ulid()}`
}
