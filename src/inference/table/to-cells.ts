import { AppError } from '../../errors.ts'
import type { Failures, PredictionInputs, Rows } from '../rows.ts'
import { INPUTS_MAX } from '../schemas.ts'
import { toFeatures } from '../tensor.ts'
import type { Work } from '../turns.ts'
import { encodeRows, type JsonRow } from './encode-rows.ts'
import { readCsvRows } from './read-csv-rows.ts'
import type { TableInput } from './table-input.ts'

/**
 * Inputs of a model with named columns as cells.
 * @param failures - takes rows that cannot be used; null: the first one is thrown
 * @throws {AppError} INPUT_INVALID with the place of the row, PAYLOAD_TOO_LARGE, and of `parse` and `Work.next`
 */
export async function toCells(
  table: TableInput,
  inputs: PredictionInputs,
  work: Work,
  failures: Failures | null,
): Promise<Rows> {
  switch (inputs.kind) {
    case 'rows':
      return encodeRows(table, inputs.rows, '/rows', work, failures)
    case 'instances':
      // The schema has checked that each is a list.
      return encodeRows(table, inputs.instances as readonly JsonRow[], inputs.pointer, work, failures)
    case 'csv':
      return readCsvRows(table, inputs, work, failures)
    case 'json':
      return toCells(table, inputs.parse(), work, failures)
    case 'tensor': {
      assertNumbers(table)
      const features = await toFeatures(inputs.tensor, [table.columns.length], INPUTS_MAX, work)
      return { count: features.length / table.columns.length, features, failures }
    }
    case 'images':
      throw new AppError('INPUT_INVALID', 'the model takes rows of columns; received an image')
  }
}

/** A tensor has nothing but numbers. @throws {AppError} INPUT_INVALID */
function assertNumbers({ columns, used }: TableInput): void {
  const other = columns.find(({ name, type }) => used.has(name) && type !== 'numeric' && type !== 'boolean')
  if (!other) return
  const detail = `the column ${other.name} is ${other.type}, so a row must be posted as JSON or CSV; received a tensor`
  throw new AppError('INPUT_INVALID', detail)
}
