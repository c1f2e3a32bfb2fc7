import { AppError } from '../../../errors.ts'
import { invalidCell } from '../../tables/place.ts'

/** A file of which any part can be read. */
export interface RangeFile {
  bytes: number
  /** Shorter where the file ends. */
  readRange(offset: number, length: number): Promise<Buffer>
}

/** Reads a part of a file that must be there. @throws {AppError} DATASET_INVALID */
export async function readExactly(file: RangeFile, offset: number, length: number): Promise<Buffer> {
  const isInside = offset >= 0 && length >= 0 && offset + length <= file.bytes
  const bytes = isInside ? await file.readRange(offset, length) : Buffer.alloc(0)
  if (bytes.length === length && isInside) return bytes
  throw invalidParquet(`says that ${length} bytes are at ${offset} of its ${file.bytes}`)
}

const INTACT = 'a Parquet file must be whole and intact; this one '

/** An error about the file as a whole. @param what - what it wrongly does */
export function invalidParquet(what: string, cause?: unknown): AppError {
  return new AppError('DATASET_INVALID', `${INTACT}${what}`, { cause })
}

/** The same error, with the place where it was found when it is about the file as a whole. */
export function atColumn(error: unknown, row: number, column: string): unknown {
  if (!(error instanceof AppError) || !error.message.startsWith(INTACT)) return error
  return invalidCell({ unit: 'row', number: row }, column, error.message)
}
