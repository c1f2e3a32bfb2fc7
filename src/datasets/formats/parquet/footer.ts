import { type ColumnMetaData, type FileMetaData, parquetMetadata } from 'hyparquet'
import { AppError } from '../../../errors.ts'
import { quote } from '../../tables/place.ts'
import { invalidParquet, type RangeFile, readExactly } from './file.ts'
import { findMeaning, type ParquetColumn } from './meaning.ts'
import { walkThrift } from './thrift.ts'

/** What the end of a Parquet file says about it. */
export interface Footer {
  columns: ParquetColumn[]
  rowGroups: RowGroup[]
  rows: number
}

/** Rows that are stored together, column by column. */
export interface RowGroup {
  rows: number
  /** In the order of the columns. */
  chunks: ColumnChunk[]
}

/** Where the pages of one column of a row group are. */
export interface ColumnChunk {
  offset: number
  bytes: number
  codec: ColumnMetaData['codec']
}

const MAGIC = 'PAR1'
/** Length of the metadata, and magic. */
const TAIL_BYTES = 8
const METADATA_BYTES_MAX = 16 * 1024 ** 2

/**
 * Reads what the end of a Parquet file says, and checks it as far as that can be without reading the pages.
 * @throws {AppError} DATASET_INVALID, PAYLOAD_TOO_LARGE
 * @see https://parquet.apache.org/docs/file-format/
 */
export async function readFooter(file: RangeFile): Promise<Footer> {
  if (file.bytes < MAGIC.length + TAIL_BYTES) throw invalidParquet(`has ${file.bytes} bytes`)
  const tail = await readExactly(file, file.bytes - TAIL_BYTES, TAIL_BYTES)
  const magic = tail.toString('latin1', 4)
  if (magic === 'PARE') throw invalid('a Parquet file must not be encrypted; this one is')
  if (magic !== MAGIC)
    throw invalidParquet(`ends with 0x${tail.toString('hex', 4)} in place of PAR1: it is truncated`)
  const length = tail.readUInt32LE(0)
  if (length > METADATA_BYTES_MAX) {
    const detail = `the metadata of a Parquet file may have ${METADATA_BYTES_MAX} bytes; received ${length}`
    throw new AppError('PAYLOAD_TOO_LARGE', detail)
  }
  const metadata = await readExactly(file, file.bytes - TAIL_BYTES - length, length + TAIL_BYTES)
  walkThrift(metadata.subarray(0, length), 0)
  try {
    const parsed = parquetMetadata(metadata, { geoparquet: false })
    return interpret(parsed, file.bytes - TAIL_BYTES - length)
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw invalidParquet('has metadata that cannot be read', cause) // fields are missing, or are others than they must be
  }
}

/** @param end - of the pages */
function interpret(metadata: FileMetaData, end: number): Footer {
  const columns = findColumns(metadata)
  const rowGroups = metadata.row_groups.map(group => ({
    rows: toCount(group.num_rows),
    chunks: columns.map((column, at) => {
      return findChunk(group.columns[at], column, metadata.schema[at + 1]?.type, end)
    }),
  }))
  return { columns, rowGroups, rows: rowGroups.reduce((sum, { rows }) => sum + rows, 0) }
}

/** The columns, none of which is made of others. */
function findColumns({ schema }: FileMetaData): ParquetColumn[] {
  const [root, ...elements] = schema
  const nested = elements.find(({ num_children: children, repetition_type: repetition }) => {
    return (children ?? 0) > 0 || repetition === 'REPEATED'
  })
  if (nested) {
    const detail = 'a column of a Parquet file must hold one value a row; received lists, maps or structs'
    throw invalid(`column ${quote(nested.name)}: ${detail}`)
  }
  if (root?.num_children !== elements.length) throw invalidParquet('has a schema that does not add up')
  return elements.map(element => {
    const column = findMeaning(element)
    if (typeof column !== 'string') return column
    const detail = `a column must hold numbers, truth values, dates or texts in UTF-8; received ${column}`
    throw invalid(`column ${quote(element.name)}: ${detail}`)
  })
}

function findChunk(
  chunk: FileMetaData['row_groups'][number]['columns'][number] | undefined,
  { name }: ParquetColumn,
  type: string | undefined,
  end: number,
): ColumnChunk {
  if (chunk?.crypto_metadata !== undefined)
    throw invalid(`column ${quote(name)} must not be encrypted; it is`)
  const about = chunk?.meta_data
  if (!about || about.type !== type || about.path_in_schema.join('.') !== name || chunk.file_path) {
    throw invalidParquet(`has no pages of the column ${quote(name)} in a row group`)
  }
  const dictionary = toCount(about.dictionary_page_offset ?? 0n)
  const data = toCount(about.data_page_offset)
  const offset = dictionary > 0 && dictionary < data ? dictionary : data
  if (offset > end) throw invalidParquet(`says that pages of ${quote(name)} are at ${offset}, beyond its end`)
  return { offset, bytes: Math.min(toCount(about.total_compressed_size), end - offset), codec: about.codec }
}

function toCount(value: bigint): number {
  const count = Number(value)
  if (Number.isSafeInteger(count) && count >= 0) return count
  throw invalidParquet(`says ${value} where a count must be`)
}

function invalid(message: string): AppError {
  return new AppError('DATASET_INVALID', message)
}
