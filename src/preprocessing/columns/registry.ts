import type { Column, ColumnType } from '../../datasets/columns.ts'
import { type BooleanSpec, boolean, type FittedBoolean } from './boolean.ts'
import { type CategoricalSpec, categorical, type FittedCategorical } from './categorical.ts'
import type { ColumnKind } from './column-kind.ts'
import { type DatetimeSpec, datetime, type FittedDatetime } from './datetime.ts'
import { type FittedNumeric, type NumericSpec, numeric } from './numeric.ts'

/** How a column is prepared, with the defaults filled in. */
export type ColumnSpec = NumericSpec | BooleanSpec | CategoricalSpec | DatetimeSpec

/** The same with the figures of the training examples. */
export type FittedColumn = FittedNumeric | FittedBoolean | FittedCategorical | FittedDatetime

const KINDS = { numeric, boolean, categorical, datetime } as const

/**
 * How columns of a type become inputs; the types of a registry's entry, its spec and its figures belong together.
 * @returns null for types that cannot be inputs
 */
export function columnKindOf(type: ColumnType): ColumnKind<ColumnType, ColumnSpec, FittedColumn> | null {
  if (type === 'id' || type === 'text') return null
  return KINDS[type] as unknown as ColumnKind<ColumnType, ColumnSpec, FittedColumn>
}

/** Whether a column is an input when nothing is said of it. */
export function isInputByDefault({ type, isConstant }: Column): boolean {
  return columnKindOf(type) !== null && !isConstant
}
