import { createDraftScope, endDraft, writePiece } from '../datasets/drafts.ts'
import { readCsv } from '../datasets/formats/csv/read-csv.ts'
import { decompress } from '../datasets/formats/decompress.ts'
import { limitBytes, peek } from '../datasets/formats/pieces.ts'
import { SNIFF_BYTES, sniffFormat } from '../datasets/formats/sniff-format.ts'
import { AppError, fieldError } from '../errors.ts'
import { createRowSink, toInputError } from '../inference/table/row-sink.ts'
import { describeTableInput } from '../inference/table/table-input.ts'
import type { Manifest } from '../models/manifest.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { RowFailure } from './batch-input.ts'
import type { MatchedInput } from './match-dataset.ts'
import { createLabelReader } from './read-labels.ts'

/** Rows that cannot be read, of one upload at most: more are a file of something else. */
const FAILURES_MAX = 10_000

/** What taking rows in works with. */
export interface ReceiveDeps {
  blobs: BlobStore
  uploadBytesMax: number
}

/**
 * Takes an uploaded file of rows in, as it arrives. No row of the database names what it stored yet.
 * @param content - CSV or TSV, plain or gzip
 * @throws {AppError} INPUT_INVALID, PAYLOAD_TOO_LARGE; then nothing is kept
 */
export async function receiveRows(
  { blobs, uploadBytesMax }: ReceiveDeps,
  manifest: Manifest,
  content: AsyncIterable<Buffer>,
): Promise<MatchedInput> {
  const table = describeTableInput(manifest)
  if (!table) {
    const detail = 'a file of rows is for models of tables; upload a dataset and give its datasetId'
    throw fieldError('INPUT_INVALID', '/file', detail)
  }
  const width = table.columns.length
  const drafts = createDraftScope(blobs)
  const rows = createRows(width)
  const failures: RowFailure[] = []
  const reader = createLabelReader(manifest)
  const targets = table.targets
  let labelled = 0
  let places: number[] | null = null
  try {
    const [features, labels] = [await drafts.open(), await drafts.open()]
    const file = { unit: 'line', hasHeader: true, others: reader?.encoders ?? new Map() } as const
    const sink = createRowSink(table, file, {
      take(cells, error, row) {
        if (error) failures.push([rows.count, error.message])
        if (failures.length > FAILURES_MAX) {
          throw new AppError(
            'INPUT_INVALID',
            `at most ${FAILURES_MAX} rows may be wrong; first ${failures[0]?.[1]}`,
          )
        }
        places ??= targets.map(target => sink.encoders.find(({ name }) => name === target)?.index ?? -1)
        const label = error ? null : reader?.read(places.map(place => row[place] ?? Number.NaN))
        if (label) labelled++
        rows.add(cells, label ?? targets.map(() => (manifest.kind === 'classification' ? -1 : Number.NaN)))
      },
      async flush() {
        const { cells, numbers } = rows.take()
        await writePiece(features, new Uint8Array(cells.buffer))
        const stored =
          manifest.kind === 'classification' ? Int32Array.from(numbers) : Float32Array.from(numbers)
        await writePiece(labels, new Uint8Array(stored.buffer))
      },
    })
    await readFile(limitBytes(decompress(content), uploadBytesMax), sink)
    await sink.flush()
    await Promise.all([endDraft(features), endDraft(labels)])
    const keptLabels = labelled > 0 ? await labels.keep() : null
    const input = {
      rows: rows.count,
      dtype: 'float64' as const,
      width,
      features: (await features.keep()).sha256,
      columns: null,
      labels: keptLabels && { blob: keptLabels.sha256, classes: null },
      failures: failures.length > 0 ? (await blobs.put(Buffer.from(JSON.stringify(failures)))).sha256 : null,
    }
    const without = rows.count - failures.length - labelled
    const warnings = labelled > 0 && without > 0 ? [`${without} rows have no label that the model knows`] : []
    return { input, warnings }
  } finally {
    await drafts.discard()
  }
}

/** @throws {AppError} INPUT_INVALID with the part as pointer */
async function readFile(source: AsyncIterable<Buffer>, sink: Parameters<typeof readCsv>[2]): Promise<void> {
  const { head, pieces } = await peek(source, SNIFF_BYTES)
  const format = sniffFormat(head)
  if (format !== 'csv') {
    throw fieldError('INPUT_INVALID', '/file', `the file must be CSV or TSV; received ${format}`)
  }
  try {
    await readCsv(pieces, { delimiter: null, hasHeader: true }, sink)
  } catch (error) {
    if (!(error instanceof AppError) || error.status !== 422) throw error
    throw toInputError(error, '/file')
  }
}

/** Rows that wait to be written. */
function createRows(width: number) {
  let cells: number[] = []
  let numbers: number[] = []
  const rows = {
    count: 0,
    add(row: Float64Array, label: readonly number[]) {
      rows.count++
      for (let at = 0; at < width; at++) cells.push(row[at] ?? Number.NaN)
      numbers.push(...label)
    },
    take() {
      const taken = { cells: Float64Array.from(cells), numbers }
      cells = []
      numbers = []
      return taken
    },
  }
  return rows
}
