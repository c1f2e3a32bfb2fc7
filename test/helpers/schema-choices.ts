/** A JSON schema, as far as it leaves choices. */
interface Schema {
  const?: unknown
  type?: string
  enum?: readonly unknown[]
  pattern?: string
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  oneOf?: readonly Schema[]
  anyOf?: readonly Schema[]
  then?: Schema
  else?: Schema
}

/**
 * Every choice that a schema leaves, as a path: `optimizer=sgd.momentum` is a field of an alternative, `flip=both` a
 * value of an enumeration or a name in a pattern `^(a|b)$`. A field that all alternatives have is one choice.
 */
export function listChoices(schema: object, path = ''): string[] {
  return [...new Set(choicesIn(schema as Schema, path, null))]
}

/** Those of the choices that a value takes, which must fit the schema. */
export function choicesOf(schema: object, value: unknown, path = ''): string[] {
  return [...new Set(choicesIn(schema as Schema, path, { value }))]
}

/** Null in place of a value: all there are. */
type Taken = { value: unknown } | null

function choicesIn(schema: Schema, path: string, taken: Taken): string[] {
  if (schema.then && schema.else) {
    // a name, or an object that says more
    const branches = [schema.then, schema.else]
    const isObject = typeof taken?.value === 'object'
    return (taken ? [isObject ? schema.then : schema.else] : branches).flatMap(one =>
      choicesIn(one, path, taken),
    )
  }
  if (schema.oneOf) return choicesOfAlternatives(schema.oneOf, path, taken)
  if (schema.anyOf) {
    const fitting = schema.anyOf.filter(one => !taken || (one.type === 'null') === (taken.value === null))
    return fitting.flatMap(one => choicesIn(one, path, taken))
  }
  if (schema.properties) {
    const kind = schema.properties.type?.const
    return choicesOfFields(schema.properties, kind === undefined ? path : `${path}=${kind}`, taken)
  }
  if (schema.items) {
    const { items } = schema
    const elements = taken ? (taken.value as unknown[]).map(value => ({ value })) : [null]
    return elements.flatMap(one => choicesIn(items, path, one))
  }
  if (schema.enum) return (taken ? [taken.value] : schema.enum).map(value => `${path}=${value}`)
  const [, names] = /^\^\(([^()]+\|[^()]+)\)\$$/.exec(schema.pattern ?? '') ?? []
  if (names) {
    const fits = (name: string) => !taken || new RegExp(`^${name}$`).test(String(taken.value))
    return names
      .split('|')
      .filter(fits)
      .map(name => `${path}=${name}`)
  }
  return [schema.type === 'null' ? `${path}=null` : path]
}

function choicesOfFields(properties: Record<string, Schema>, path: string, taken: Taken): string[] {
  const { type, ...fields } = properties
  const given = (taken?.value ?? {}) as Record<string, unknown>
  return [
    ...(type?.const === undefined ? [] : [path]),
    ...Object.entries(fields)
      .filter(([name]) => !taken || name in given)
      .flatMap(([name, field]) => choicesIn(field, `${path}.${name}`, taken && { value: given[name] })),
  ]
}

function choicesOfAlternatives(alternatives: readonly Schema[], path: string, taken: Taken): string[] {
  const shared = Object.keys(alternatives[0]?.properties ?? {}).filter(
    name => name !== 'type' && alternatives.every(({ properties = {} }) => name in properties),
  )
  const kind = (taken?.value as { type: string } | undefined)?.type
  return alternatives
    .filter(({ properties }) => !taken || properties?.type?.const === kind)
    .flatMap(one => choicesIn(one, path, taken))
    .map(choice => {
      const [, name = ''] = /^=[^.=]+\.([^.=]+)$/.exec(choice.slice(path.length)) ?? []
      return shared.includes(name) ? `${path}.${name}` : choice
    })
}
