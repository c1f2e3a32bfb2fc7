import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer'
import type { OutputFormat } from '../../src/batch-predictions/schemas.ts'
import { csvRecord } from '../../src/inference/csv-text.ts'
import { describePrediction } from '../../src/inference/describe-prediction.ts'
import { type OutputColumn, outputColumns } from '../../src/inference/output-columns.ts'
import type { Manifest } from '../../src/models/manifest.ts'

/** A row of the output. */
export interface OutputRow {
  /** From 0. */
  row: number
  /** What the network gave; means nothing with an error. */
  outputs: Float32Array
  /** Why there is no prediction. */
  error: string | null
}

/** Writes predictions as a file, some rows at a time. The same rows give the same bytes. */
export interface OutputWriter {
  begin(): Uint8Array
  write(rows: readonly OutputRow[]): Uint8Array | Promise<Uint8Array>
  end(): Uint8Array | Promise<Uint8Array>
}

/** As much is told of a prediction as by `…/predict` without options. */
const TOLD = { topK: 5, probabilities: true, abstainBelow: null }

/** A writer of the predictions of a model. */
export function createOutputWriter(format: OutputFormat, manifest: Manifest): OutputWriter {
  const columns = outputColumns(manifest, manifest.targets ?? [], TOLD)
  switch (format) {
    case 'csv':
      return csvWriter(columns)
    case 'jsonl':
      return jsonLinesWriter(manifest)
    case 'parquet':
      return parquetWriter(columns)
  }
}

const NOTHING = new Uint8Array()

function csvWriter(columns: readonly OutputColumn[]): OutputWriter {
  return {
    begin: () => Buffer.from(csvRecord(['row', ...columns.map(({ name }) => name), 'error'])),
    write: rows =>
      Buffer.from(
        rows
          .map(({ row, outputs, error }) =>
            csvRecord([row, ...columns.map(({ read }) => (error === null ? read(outputs) : null)), error]),
          )
          .join(''),
      ),
    end: () => NOTHING,
  }
}

function jsonLinesWriter(manifest: Manifest): OutputWriter {
  const describe = ({ outputs, error }: OutputRow) =>
    error === null
      ? describePrediction(outputs, manifest, TOLD)
      : { error: { code: 'INPUT_INVALID', detail: error } }
  return {
    begin: () => NOTHING,
    write: rows =>
      Buffer.from(rows.map(row => `${JSON.stringify({ row: row.row, ...describe(row) })}\n`).join('')),
    end: () => NOTHING,
  }
}

const PARQUET_TYPES = { text: 'STRING', number: 'FLOAT', boolean: 'BOOLEAN' } as const

/** Each call of `write` makes row groups. @see https://parquet.apache.org/docs/file-format/ */
function parquetWriter(columns: readonly OutputColumn[]): OutputWriter {
  const bytes = new ByteWriter()
  const take = () => {
    const taken = bytes.getBytes().slice()
    bytes.index = 0
    return taken
  }
  const toData = (rows: readonly OutputRow[]) => [
    { name: 'row', type: 'INT32' as const, nullable: false, data: Int32Array.from(rows, ({ row }) => row) },
    ...columns.map(({ name, type, read }) => ({
      name,
      type: PARQUET_TYPES[type],
      data: rows.map(({ outputs, error }) => (error === null ? read(outputs) : null)),
    })),
    { name: 'error', type: 'STRING' as const, data: rows.map(({ error }) => error) },
  ]
  const schema = schemaFromColumnData({ columnData: toData([]) })
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy: 'trainyard' })
  return {
    begin: take,
    async write(rows) {
      await writer.write({ columnData: toData(rows), rowGroupSize: Math.max(1, rows.length) })
      return take()
    },
    async end() {
      await writer.finish()
      return take()
    },
  }
}
