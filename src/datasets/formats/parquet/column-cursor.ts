import { type ColumnEncoder, encodeMissing } from '../../tables/column-encoder.ts'
import type { Place } from '../../tables/place.ts'
import { atColumn, invalidParquet, type RangeFile } from './file.ts'
import type { ColumnChunk } from './footer.ts'
import { createHybridReader, type IntegerReader } from './hybrid.ts'
import type { ParquetColumn } from './meaning.ts'
import {
  BATCH_ROWS,
  type CellReader,
  createCellReader,
  type Dictionary,
  readDictionary,
} from './page-cells.ts'
import { ENCODING } from './page-header.ts'
import { type Page, readPages } from './read-pages.ts'

/** Goes through the cells of one column of a row group, with one page of it in memory. */
export interface ColumnCursor {
  /** Rows that are left of the page. */
  left(): number
  /** Bytes that are held in memory. */
  heldBytes(): number
  /** Goes to the next page. @param row - for errors. @throws {AppError} DATASET_INVALID when there is none */
  load(row: number): Promise<void>
  /**
   * The next cells, to be used before the next call.
   * @param count - at most what is left, and `BATCH_ROWS`
   * @param firstRow - the number of the first one's row, from 1
   */
  read(count: number, firstRow: number): Float64Array
}

/** Encodings that are read whole, for which it must be known how many values there are. */
const COUNTED: ReadonlySet<number> = new Set([
  ENCODING.deltaBinaryPacked,
  ENCODING.deltaLengthByteArray,
  ENCODING.deltaByteArray,
  ENCODING.byteStreamSplit,
])

/** A cursor before the first page. @param groupRows - what all pages have together */
export function createColumnCursor(
  file: RangeFile,
  chunk: ColumnChunk,
  column: ParquetColumn,
  encoder: ColumnEncoder,
  place: Place,
  groupRows: number,
): ColumnCursor {
  const pages = readPages(file, chunk)
  const cells = new Float64Array(BATCH_ROWS)
  const levels = new Int32Array(BATCH_ROWS)
  const rows = new Int32Array(BATCH_ROWS)
  let dictionary: Dictionary | null = null
  let dictionaryBytes = 0
  let pageBytes = 0
  let left = 0
  let ahead = groupRows
  let values: CellReader | null = null
  let present: IntegerReader | null = null

  function open(page: Page): void {
    ahead -= page.values
    if (ahead < 0) throw invalidParquet('has more values than its row groups say')
    const { content, levels: levelPart } = openLevels(page, column)
    const openPresent = () => levelPart && createHybridReader(levelPart, 0, levelPart.length, 1)
    const needsCount = column.layout === 'uuid' || COUNTED.has(page.encoding)
    const count = needsCount ? countPresent(openPresent(), page.values, levels) : page.values
    values = createCellReader(page, content, count, column, dictionary, encoder, place)
    present = openPresent()
    left = page.values
    pageBytes = page.content.length
  }

  return {
    left: () => left,
    heldBytes: () => dictionaryBytes + pageBytes,
    async load(row) {
      try {
        while (left === 0) {
          const next = await pages.next()
          if (next.done) throw invalidParquet('has fewer values than its row groups say')
          const page = next.value
          if (page.kind !== 'dictionary') open(page)
          else {
            dictionary = readDictionary(page, column)
            dictionaryBytes = page.content.length + 32 * page.values
          }
        }
      } catch (error) {
        throw atColumn(error, row, column.name)
      }
    },
    read(count, firstRow) {
      let there = count
      try {
        if (present) {
          present.read(levels, 0, count)
          there = 0
          for (let at = 0; at < count; at++) if (levels[at] === 1) rows[there++] = firstRow + at
        } else for (let at = 0; at < count; at++) rows[at] = firstRow + at
        values?.read(cells, there, rows)
      } catch (error) {
        throw atColumn(error, firstRow, column.name)
      }
      if (there < count) spread(cells, levels, count, there, firstRow, encoder, place)
      left -= count
      return cells
    },
  }
}

/** Moves the cells of values to their rows, from the last to the first, and puts what is missing between them. */
function spread(
  cells: Float64Array,
  levels: Int32Array,
  count: number,
  there: number,
  firstRow: number,
  encoder: ColumnEncoder,
  place: Place,
): void {
  let from = there
  for (let at = count - 1; at >= 0; at--) {
    if (levels[at] === 1) cells[at] = cells[--from] ?? 0
    else {
      place.number = firstRow + at
      cells[at] = encodeMissing(encoder, place)
    }
  }
}

/** The levels that say which values are there; null where all are. */
function openLevels(page: Page, { isOptional }: ParquetColumn): { levels: Buffer | null; content: Buffer } {
  const { content, kind } = page
  if (!isOptional) return { levels: null, content }
  if (kind === 'data2') return { levels: page.levels, content }
  if (page.levelEncoding !== ENCODING.runs)
    throw invalidParquet('has levels in an encoding that is no longer used')
  if (content.length < 4) throw invalidParquet('has a page that ends within its levels')
  const end = 4 + content.readUInt32LE(0)
  if (end > content.length) throw invalidParquet('has a page that ends within its levels')
  return { levels: content.subarray(4, end), content: content.subarray(end) }
}

function countPresent(present: IntegerReader | null, values: number, levels: Int32Array): number {
  if (!present) return values
  let count = 0
  for (let read = 0; read < values; read += BATCH_ROWS) {
    const length = Math.min(BATCH_ROWS, values - read)
    present.read(levels, 0, length)
    for (let at = 0; at < length; at++) if (levels[at] === 1) count++
  }
  return count
}
