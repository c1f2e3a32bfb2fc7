import { Type } from 'typebox'

/** What a name must be, for messages. */
export const NAME_RULE = '1–100 printable characters without / : ? # % and without space at the ends'

/**
 * Names of datasets, jobs and models: 1–100 printable Unicode characters without `/ : ? # %` and without space at
 * the ends, so that they can stand in an address.
 */
export const NameSchema = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: '^(?! )[^/:?#%\\p{C}\\p{Zl}\\p{Zp}]+(?<! )$',
  description: NAME_RULE,
})
