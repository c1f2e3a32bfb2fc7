import type { Column, ColumnType } from '../../datasets/columns.ts'
import type { ColumnOption, ColumnRequest } from './column-request.ts'

/** A column of one type. */
export type ColumnOf<T extends ColumnType> = Extract<Column, { type: T }>

/** Writes one cell as inputs of the network, from `at` on. */
export type EncodeCell = (cell: number, inputs: Float32Array, at: number) => void

/**
 * How columns of one type become inputs of the network.
 * @typeParam Spec - what was asked for, with the defaults filled in; itself a request
 * @typeParam Fitted - the same with the figures of the training examples
 */
export interface ColumnKind<T extends ColumnType, Spec, Fitted> {
  options: readonly ColumnOption[]
  /** @throws ColumnOptionError when options do not fit the column */
  resolve(column: ColumnOf<T>, request: ColumnRequest): Spec
  /** What each input means, in words; as many as there are inputs. */
  inputs(spec: Spec | Fitted): string[]
  /**
   * Learns the figures.
   * @param cells - of the training examples, missing ones as NaN
   */
  fit(column: ColumnOf<T>, spec: Spec, cells: Float64Array): Fitted
  /** How many inputs there are. */
  width(fitted: Fitted): number
  compile(column: ColumnOf<T>, fitted: Fitted): EncodeCell
}

/** An option that does not fit its column. */
export class ColumnOptionError extends Error {
  readonly option: ColumnOption

  /** @param option - its name, for the pointer */
  constructor(option: ColumnOption, message: string) {
    super(message)
    this.option = option
  }
}
