import { Type } from 'typebox'

/** What a name must be, for messages. */
export const NAME_RULE = '1–100 printable characters without / : ? # % and without space at the ends'

/** `NAME_RULE` but for the length. */
export const NAME_PATTERN = '^(?! )[^/:?#%\\p{C}\\p{Zl}\\p{Zp}]+(?<! )$'

/**
 * Names of datasets, jobs and models: 1–100 printable Unicode characters without `/ : ? # %` and without space at
 * the ends, so that they can stand in an address.
 */
export const NameSchema = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: NAME_PATTERN,
  description: NAME_RULE,
})

/** Text that Postgres can keep and compare, as text and in JSON: without NUL and without half a surrogate pair. */
export function storable(options: Type.TStringOptions = {}) {
  return Type.String({ pattern: '^[^\\0\\p{Cs}]*$', ...options })
}
