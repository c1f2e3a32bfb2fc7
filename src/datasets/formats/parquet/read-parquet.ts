import { AppError } from '../../../errors.ts'
import type { DatasetSink } from '../../tables/read-table.ts'
import { type ColumnCursor, createColumnCursor } from './column-cursor.ts'
import type { RangeFile } from './file.ts'
import { readFooter } from './footer.ts'
import { BATCH_ROWS } from './page-cells.ts'

/** Bytes of unpacked pages that are held at the same time: one of each column. */
const HELD_BYTES_MAX = 256 * 1024 ** 2
const CELL_BYTES = 8

/**
 * Reads a Parquet file of flat columns: all columns side by side, with one page of each in memory.
 * @param bytesMax - of the cells, 8 bytes each: a page of a few bytes may stand for a billion of them
 * @throws {AppError} DATASET_INVALID with row and column, PAYLOAD_TOO_LARGE
 * @see https://parquet.apache.org/docs/file-format/
 */
export async function readParquet(file: RangeFile, bytesMax: number, sink: DatasetSink): Promise<void> {
  const { columns, rowGroups, rows } = await readFooter(file)
  if (rows * columns.length * CELL_BYTES > bytesMax) {
    const received = `${rows} rows of ${columns.length} columns`
    throw new AppError(
      'PAYLOAD_TOO_LARGE',
      `a file may hold ${bytesMax} bytes of cells, 8 each; received ${received}`,
    )
  }
  if (rows === 0) throw new AppError('DATASET_INVALID', 'a table must have rows; received none')
  const encoders = await sink.open(columns.map(({ name }) => name))
  const { place } = sink
  const cells: Float64Array[] = encoders.map(() => new Float64Array(0))
  let rowsBefore = 0
  for (const group of rowGroups) {
    const cursors = encoders.flatMap((encoder, at) => {
      const [column, chunk] = [columns[at], group.chunks[at]]
      return column && chunk ? [createColumnCursor(file, chunk, column, encoder, place, group.rows)] : []
    })
    for (let done = 0; done < group.rows; ) {
      const firstRow = rowsBefore + done + 1
      await loadPages(cursors, firstRow)
      const most = Math.min(BATCH_ROWS, group.rows - done)
      const count = cursors.reduce((least, cursor) => Math.min(least, cursor.left()), most)
      cursors.forEach((cursor, at) => {
        cells[encoders[at]?.index ?? 0] = cursor.read(count, firstRow)
      })
      place.number = firstRow
      sink.endRows(cells, count)
      done += count
      await sink.flush()
    }
    rowsBefore += group.rows
  }
}

/** Gives every cursor a page to read from. */
async function loadPages(cursors: readonly ColumnCursor[], row: number): Promise<void> {
  const empty = cursors.filter(cursor => cursor.left() === 0)
  for (const cursor of empty) await cursor.load(row)
  if (empty.length === 0) return
  const held = cursors.reduce((sum, cursor) => sum + cursor.heldBytes(), 0)
  if (held > HELD_BYTES_MAX) {
    const detail = `row ${row}: the pages of all columns may have ${HELD_BYTES_MAX} bytes together; received ${held}`
    throw new AppError('PAYLOAD_TOO_LARGE', `${detail} (write the file with smaller pages)`)
  }
}
