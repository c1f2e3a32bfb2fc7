import { describeCell } from '../../datasets/cells.ts'
import type { Column } from '../../datasets/columns.ts'
import type { FittedBoolean } from '../../preprocessing/columns/boolean.ts'
import type { FittedCategorical } from '../../preprocessing/columns/categorical.ts'
import type { FittedDatetime } from '../../preprocessing/columns/datetime.ts'
import type { FittedNumeric } from '../../preprocessing/columns/numeric.ts'
import type { FittedColumn } from '../../preprocessing/columns/registry.ts'

/** A column in JSON Schema, and a value for an example. */
export interface ColumnInput {
  schema: object
  example: number | string | boolean | null
}

/** What a column takes that the network sees. @param fitted - of the column's type */
export function describeColumn(column: Column, fitted: FittedColumn): ColumnInput {
  switch (column.type) {
    case 'numeric':
      return describeNumeric(column, fitted as FittedNumeric) // a manifest has figures of the column's type
    case 'boolean':
      return describeBoolean(fitted as FittedBoolean)
    case 'categorical':
      return describeCategorical(column.categories, fitted as FittedCategorical)
    case 'datetime':
      return describeDatetime(column, fitted as FittedDatetime)
    case 'id':
    case 'text':
      throw new Error(`a column of type ${column.type} is never an input`)
  }
}

function describeNumeric(column: Column, { fill, range = null, clip }: FittedNumeric): ColumnInput {
  const said = [
    ...(range ? [`In training ${range[0]} to ${range[1]}.`] : []),
    ...(clip ? [`Cut off below ${clip[0]} and above ${clip[1]}.`] : []),
    whenMissing(column, String(fill)),
  ]
  return { schema: { type: ['number', 'null'], description: said.join(' ') }, example: fill }
}

function describeBoolean({ fill }: FittedBoolean): ColumnInput {
  const description = `null where it is missing; then ${fill === 1} is taken.`
  return { schema: { type: ['boolean', 'null'], description }, example: fill === 1 }
}

function describeCategorical(
  all: readonly string[],
  { categories, rare, fill, encode }: FittedCategorical,
): ColumnInput {
  const others = all.filter(category => !categories.includes(category))
  const unknown =
    encode === 'ordinal' ? 'counts as missing' : rare ? 'counts as rare' : 'counts as none of them'
  const missing = fill === null ? 'counts as a category of its own' : `is taken for ${JSON.stringify(fill)}`
  return {
    schema: {
      anyOf: [
        { enum: categories, description: 'Categories that the model tells apart.' },
        ...(others.length > 0 ? [{ enum: others, description: `In training too; each ${unknown}.` }] : []),
        { type: 'string', description: `Any other category ${unknown}.` },
        { type: 'null', description: `A missing one ${missing}.` },
      ],
    },
    example: fill ?? categories[0] ?? null,
  }
}

function describeDatetime(column: Column, { fill, range = null }: FittedDatetime): ColumnInput {
  const text = (milliseconds: number) => String(describeCell(column, milliseconds))
  const said = [
    'ISO 8601; UTC without an offset.',
    ...(range ? [`In training ${text(range[0])} to ${text(range[1])}.`] : []),
    whenMissing(column, text(fill)),
  ]
  return { schema: { type: ['string', 'null'], description: said.join(' ') }, example: text(fill) }
}

function whenMissing({ missing }: Column, fill: string): string {
  const seen = missing === 0 ? ' No training example lacked it.' : ''
  return `null where it is missing; then ${fill} is taken.${seen}`
}
