import { describeCell } from '../datasets/cells.ts'
import { featureCount } from '../datasets/content.ts'
import type { StoredVersion } from '../models/repository.ts'
import { csvRecord } from './csv-text.ts'
import { type DescribeOptions, describeFailure, describePrediction } from './describe-prediction.ts'
import { outputColumns } from './output-columns.ts'
import type { Predictor } from './predictor.ts'
import type { Rows } from './rows.ts'
import type { Prediction } from './schemas.ts'

/** What a request asked, and what the network gave for it. */
export interface Predicted {
  version: StoredVersion
  table: Predictor['table']
  rows: Rows
  /** `[count, outputs]`. */
  outputs: Float32Array
  saliency: readonly NonNullable<Prediction['saliency']>[] | null
}

/** Predictions of a piece. */
const PIECE = 128

/** The answer as JSON says it, piece by piece. */
export function* describeRows(
  { version, table, rows, outputs, saliency }: Predicted,
  options: DescribeOptions & { includeInput: boolean },
): Generator<Prediction[]> {
  const { count, features, failures } = rows
  const { inputShape: shape } = version
  const units = featureCount(shape)
  const width = outputs.length / count
  for (let from = 0; from < count; from += PIECE) {
    const predictions: Prediction[] = []
    for (let index = from; index < Math.min(count, from + PIECE); index++) {
      const failure = failures?.get(index)
      if (failure) {
        predictions.push(describeFailure(failure))
        continue
      }
      const own = outputs.subarray(index * width, (index + 1) * width)
      const prediction = describePrediction(own, version, options)
      if (options.includeInput) {
        const numbers = Array.from(features.subarray(index * units, (index + 1) * units))
        const values = numbers.map((number, feature) => {
          const column = table?.columns[feature]
          return column ? describeCell(column, number) : number
        })
        prediction.input = { shape, values }
      }
      const explained = saliency?.[index]
      if (explained) prediction.saliency = explained
      predictions.push(prediction)
    }
    yield predictions
  }
}

/** The same as CSV: a header, then a record for each input, with what is wrong with it in the last column. */
export function* writeRowsAsCsv(
  { version, table, rows, outputs }: Predicted,
  options: DescribeOptions,
): Generator<string> {
  const { count, failures } = rows
  const width = outputs.length / count
  const columns = outputColumns(version, table?.targets ?? [], options)
  yield csvRecord([...columns.map(({ name }) => name), 'error'])
  for (let from = 0; from < count; from += PIECE) {
    const records: string[] = []
    for (let index = from; index < Math.min(count, from + PIECE); index++) {
      const failure = failures?.get(index)
      const own = outputs.subarray(index * width, (index + 1) * width)
      const values = columns.map(({ read }) => (failure ? null : read(own)))
      records.push(csvRecord([...values, failure?.message ?? null]))
    }
    yield records.join('')
  }
}
