import type { Column } from '../../datasets/columns.ts'
import { UNKNOWN_CATEGORY } from '../../datasets/columns.ts'
import { isMissing, parseBoolean } from '../../datasets/tables/cell-words.ts'
import { parseDatetime } from '../../datasets/tables/parse-datetime.ts'
import { parseNumber } from '../../datasets/tables/parse-number.ts'

/** Gives the cell of a value, NaN where it is missing; null for a value that the column cannot have. */
export type ReadCell = (value: unknown) => number | null

/**
 * Reads what clients send for a column as its cells were read from the training data: numbers and texts alike; null,
 * NaN and the words for it mean that the value is missing. A category that the data does not have is an unknown one.
 */
export function createCellReader(column: Column): ReadCell {
  const read = readerOf(column)
  return value => {
    if (value === null || Number.isNaN(value) || (typeof value === 'string' && isMissing(value))) {
      return Number.NaN
    }
    return read(value)
  }
}

function readerOf(column: Column): ReadCell {
  switch (column.type) {
    case 'numeric':
      return value => (typeof value === 'string' ? readNumber(value) : finite(value))
    case 'boolean':
      return value => {
        if (typeof value === 'string') return orNull(parseBoolean(value))
        return value === true || value === 1 ? 1 : value === false || value === 0 ? 0 : null
      }
    case 'datetime':
      return value => (typeof value === 'string' ? orNull(parseDatetime(value)) : finite(value))
    case 'categorical': {
      const places = new Map(column.categories.map((category, place) => [category, place]))
      return value =>
        ['string', 'number', 'boolean'].includes(typeof value)
          ? (places.get(String(value)) ?? UNKNOWN_CATEGORY)
          : null
    }
    case 'id':
    case 'text':
      return () => Number.NaN // they are no features
  }
}

function readNumber(text: string): number | null {
  const bytes = Buffer.from(text)
  return finite(parseNumber(bytes, 0, bytes.length))
}

function finite(value: unknown): number | null {
  return Number.isFinite(value) ? (value as number) : null
}

function orNull(cell: number): number | null {
  return Number.isNaN(cell) ? null : cell
}
