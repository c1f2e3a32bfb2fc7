import { encode } from 'fast-png'
import type { Manifest } from '../../models/manifest.ts'
import { INPUTS_MAX } from '../schemas.ts'
import { describeTableInput, type TableInput } from '../table/table-input.ts'
import { describeColumn } from './column-schema.ts'

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** What stands in the body of a prediction, and a body for an example. */
interface Body {
  properties: Record<string, object>
  example: object
}

/**
 * The body of `…/predict` for one version, as JSON Schema; its first example can be posted as it is.
 * @see https://json-schema.org/draft/2020-12
 */
export function buildInputSchema(name: string, version: number, manifest: Manifest): object {
  const table = describeTableInput(manifest)
  const { properties, example } = table ? describeRows(table, manifest) : describeNumbers(manifest)
  return {
    $schema: DIALECT,
    title: `Input of ${name}, version ${version}`,
    type: 'object',
    properties,
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    examples: [example],
  }
}

function describeRows(table: TableInput, { preprocessing }: Manifest): Body {
  const properties: Record<string, object> = {}
  const row: Record<string, unknown> = {}
  const fitted = 'columns' in preprocessing ? preprocessing.columns : {}
  for (const column of table.columns) {
    const own = fitted[column.name] ?? null
    if (own === null) {
      properties[column.name] = { description: 'May be there; the model does not see it.' }
      continue
    }
    const { schema, example } = describeColumn(column, own)
    properties[column.name] = schema
    row[column.name] = example
  }
  for (const target of table.targets) {
    properties[target] = { description: 'May be there, as in the training data; it is not looked at.' }
  }
  const items = { type: 'object', properties, required: [...table.used], additionalProperties: false }
  return { properties: { rows: listOf(items) }, example: { rows: [row] } }
}

function describeNumbers({ input: { shape, dtype } }: Manifest): Body {
  const units = shape.reduce((product, length) => product * length, 1)
  const number = { type: 'number', ...(dtype === 'uint8' && { description: 'In training 0 to 255.' }) }
  const flat = arrayOf(number, units)
  const nested = shape.toReversed().reduce<object>((items, length) => arrayOf(items, length), number)
  const instance = shape.length === 1 ? flat : { anyOf: [flat, nested] }
  const properties = { instances: listOf(instance) }
  const instances = [new Array<number>(units).fill(0)]
  const image = exampleImage(shape)
  if (image === null) return { properties, example: { instances } }
  const text = { type: 'string', contentEncoding: 'base64', description: 'A PNG, JPEG or WebP file.' }
  return { properties: { images: listOf(text), ...properties }, example: { images: [image] } }
}

/** A PNG, base64, that grows brighter from left to right; null where the model takes no images. */
function exampleImage([height, width, channels, ...more]: readonly number[]): string | null {
  if (height === undefined || width === undefined || channels === undefined || more.length > 0) return null
  if (![1, 3, 4].includes(channels)) return null
  const bytes = Uint8Array.from({ length: height * width * channels }, (_, at) => {
    const column = Math.floor(at / channels) % width
    return channels === 4 && at % channels === 3 ? 255 : Math.round((255 * column) / width)
  })
  return Buffer.from(encode({ width, height, channels, depth: 8, data: bytes })).toString('base64')
}

function listOf(items: object): object {
  return { type: 'array', items, minItems: 1, maxItems: INPUTS_MAX }
}

function arrayOf(items: object, length: number): object {
  return { type: 'array', items, minItems: length, maxItems: length }
}
