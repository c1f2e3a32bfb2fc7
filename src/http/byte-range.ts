import { AppError } from '../errors.ts'

/** A part of a file. */
export interface ByteRange {
  from: number
  /** The last byte. */
  to: number
}

/**
 * The part of a file that a request asks for.
 * @param header - `Range`
 * @param bytes - of the file
 * @returns null for the whole file: without a header, with one that is not understood, and for several parts
 * @throws {AppError} RANGE_NOT_SATISFIABLE
 * @see RFC 9110, section 14.2
 */
export function readByteRange(header: string | undefined, bytes: number): ByteRange | null {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? []
  if (first === '' && last === '') return null
  const range =
    first === ''
      ? { from: Math.max(0, bytes - Number(last)), to: bytes - 1 }
      : { from: Number(first), to: last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1) }
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null // no valid range: it is ignored
  if (range.from <= range.to) return range
  throw new AppError('RANGE_NOT_SATISFIABLE', `the range must begin before byte ${bytes}; received ${header}`)
}
