import { AppError } from '../errors.ts'
import type { Expectation } from '../http/content-digest.ts'

/** Algorithms of the header Upload-Checksum, by their names in Node too. */
export const CHECKSUM_ALGORITHMS = ['sha256', 'sha512', 'sha1'] as const

const HEADER = 'upload-checksum'

/**
 * What `Upload-Checksum` says of the bytes of a request.
 * @returns null without the header
 * @throws {AppError} MALFORMED_REQUEST when it cannot be read or names another algorithm
 * @see tus 1.0.0, extension Checksum
 */
export function readUploadChecksum(value: string | string[] | undefined): Expectation | null {
  if (value === undefined) return null
  const [, name, text = ''] = /^([a-z0-9]+) ([A-Za-z0-9+/]+={0,2})$/.exec([value].flat().join()) ?? []
  const algorithm = CHECKSUM_ALGORITHMS.find(known => known === name)
  if (algorithm === undefined) {
    const detail = `${HEADER} must be ${CHECKSUM_ALGORITHMS.join(', ')} and base64; received ${JSON.stringify(value)}`
    throw new AppError('MALFORMED_REQUEST', detail, { errors: [{ parameter: HEADER, detail }] })
  }
  return { algorithm, expected: Buffer.from(text, 'base64') }
}

/** A refusal of bytes that are not what was announced. */
export function checksumMismatch(): AppError {
  const detail = 'the bytes must be what upload-checksum says; nothing of them was kept. Send them again'
  return new AppError('CHECKSUM_MISMATCH', detail, { errors: [{ parameter: HEADER, detail }] })
}
