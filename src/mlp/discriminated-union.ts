import { Type } from 'typebox'

/**
 * A schema of objects told apart by their `type`. With `discriminator`, an error names what is wrong with the
 * alternative that was meant, instead of what is wrong with all of them.
 * @see OpenAPI 3.1, "Discriminator Object"; Ajv, keyword `discriminator`
 */
export function discriminatedUnion<Members extends Type.TObject[]>(
  members: [...Members],
  options: { description?: string } = {},
) {
  return Type.Unsafe<Type.Static<Members[number]>>({
    type: 'object',
    required: ['type'],
    discriminator: { propertyName: 'type' },
    oneOf: members,
    ...options,
  })
}

/** A schema of a bare name, or of an object that says more. Errors are about the one of the two that was given. */
export function nameOr<Name extends string, Schema extends Type.TSchema>(
  names: readonly Name[],
  schema: Schema,
  options: { description?: string } = {},
) {
  return Type.Unsafe<Name | Type.Static<Schema>>({
    if: { type: 'object' },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: schema,
    else: { type: 'string', enum: [...names] },
    ...options,
  })
}
