import type { Column } from './columns.ts'

/** A cell as JSON has it: by its meaning; null where a value is missing, and for ids and texts, which are not kept. */
export type CellValue = number | boolean | string | null

/** What a stored cell of a column means. */
export function describeCell(column: Column, cell: number): CellValue {
  if (Number.isNaN(cell)) return null
  switch (column.type) {
    case 'numeric':
      return cell
    case 'boolean':
      return cell === 1
    case 'categorical':
      return column.categories[cell] ?? null
    case 'datetime':
      return column.hasTime ? new Date(cell).toISOString() : new Date(cell).toISOString().slice(0, 10)
    case 'id':
    case 'text':
      return null
  }
}
