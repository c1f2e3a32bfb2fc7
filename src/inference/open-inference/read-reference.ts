import { Type } from 'typebox'
import type { VersionReference } from '../../models/repository.ts'
import { storable } from '../../names.ts'

/** A model in an address. */
export const ModelParams = Type.Object({ name: storable({ maxLength: 100 }) })

/** A version of a model in an address. */
export const VersionParams = Type.Object({
  ...ModelParams.properties,
  version: Type.String({
    pattern: '^([1-9][0-9]{0,8}|[a-z][a-z0-9._-]{0,62})$',
    description: 'The number of a version, or an alias.',
  }),
})

/** What the version in an address means: a number, or else an alias. */
export function readReference(version: string): VersionReference {
  return /^\d/.test(version) ? { version: Number(version) } : { alias: version }
}
