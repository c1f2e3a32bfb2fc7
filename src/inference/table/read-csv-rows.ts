import { readCsv } from '../../datasets/formats/csv/read-csv.ts'
import { AppError } from '../../errors.ts'
import type { Failures, Rows } from '../rows.ts'
import { CSV_ROWS_MAX } from '../schemas.ts'
import type { Work } from '../turns.ts'
import { createRowSink, toInputError } from './row-sink.ts'
import type { TableInput } from './table-input.ts'

/** Bytes between two looks at the clock. */
const PIECE_BYTES = 64 * 1024

/**
 * Rows of CSV as cells, by the code that read the training rows.
 * @param failures - takes rows that cannot be read; null: the first one is thrown
 * @returns cells float64, NaN where a value is missing
 * @throws {AppError} INPUT_INVALID with line and column, PAYLOAD_TOO_LARGE, and of `Work.next`
 */
export async function readCsvRows(
  table: TableInput,
  { content, hasHeader }: { content: Buffer; hasHeader: boolean },
  work: Work,
  failures: Failures | null,
): Promise<Rows> {
  const width = table.columns.length
  let features: Float64Array = new Float64Array(1_024 * width)
  let count = 0
  const file = { unit: 'line', hasHeader, others: new Map() } as const
  const sink = createRowSink(table, file, {
    take(cells, error) {
      if (count === CSV_ROWS_MAX) throw tooMany()
      if (features.length < (count + 1) * width) features = double(features)
      if (!error) features.set(cells, count * width)
      else if (failures) failures.set(count, toInputError(error, `/rows/${count}`))
      else throw toInputError(error, `/rows/${count}`)
      count++
    },
    async flush() {
      if (work.isOver()) await work.next()
    },
  })
  try {
    await readCsv(cutUp(content), { delimiter: null, hasHeader }, sink)
  } catch (error) {
    throw error instanceof AppError && error.code === 'DATASET_INVALID' ? toInputError(error, '') : error
  }
  return { count, features: features.subarray(0, count * width), failures }
}

async function* cutUp(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += PIECE_BYTES) yield content.subarray(at, at + PIECE_BYTES)
}

function double(numbers: Float64Array): Float64Array {
  const larger = new Float64Array(2 * numbers.length)
  larger.set(numbers)
  return larger
}

function tooMany(): AppError {
  const detail = `a request may have ${CSV_ROWS_MAX} rows of CSV; received more. A batch prediction takes any number`
  return new AppError('PAYLOAD_TOO_LARGE', detail)
}
