import { createHash, type Hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { AppError } from '../errors.ts'

/** Digests that are checked, by their names on the wire and in Node. @see RFC 9530, section 5; the others are unsafe */
const ALGORITHMS = { 'sha-256': 'sha256', 'sha-512': 'sha512' } as const

/** What bytes must hash to. */
export interface Expectation {
  algorithm: string
  expected: Buffer
}

/**
 * What `Content-Digest` says of a body, for the algorithms that are known; empty without the header.
 * @see RFC 9530, section 2, and RFC 8941 for dictionaries of byte sequences
 * @throws {AppError} VALIDATION_FAILED when it cannot be read, or names no algorithm that is known
 */
export function readContentDigest({ headers }: FastifyRequest): Expectation[] {
  const value = [headers['content-digest'] ?? []].flat().join(',')
  if (value === '') return []
  const members = value
    .split(',')
    .map(member => /^\s*([a-z][a-z0-9_*.-]*)=:([A-Za-z0-9+/]*={0,2}):/.exec(member))
  const expectations = members.flatMap(member => {
    const [, name = '', text = ''] = member ?? []
    return isKnown(name) ? [{ algorithm: ALGORITHMS[name], expected: Buffer.from(text, 'base64') }] : []
  })
  if (expectations.length === 0 || members.includes(null)) {
    const detail = `content-digest must be like sha-256=:<base64>:, or sha-512; received ${JSON.stringify(value)}`
    throw new AppError('VALIDATION_FAILED', detail, { errors: [{ parameter: 'content-digest', detail }] })
  }
  return expectations
}

/** Hashes of bytes as they come, to be compared at their end. */
export interface DigestCheck {
  update(piece: Uint8Array): void
  /** Whether all is as expected; once. */
  matches(): boolean
}

/** Begins to hash. */
export function checkDigests(expectations: readonly Expectation[]): DigestCheck {
  const hashes = expectations.map(({ algorithm, expected }) => ({ hash: createHash(algorithm), expected }))
  return {
    update(piece) {
      for (const { hash } of hashes) hash.update(piece)
    },
    matches: () =>
      hashes.every(({ hash, expected }: { hash: Hash; expected: Buffer }) => hash.digest().equals(expected)),
  }
}

/** A refusal of bytes that are not what was announced. */
export function digestMismatch(): AppError {
  const detail = 'the body must be what content-digest says; it has another digest. Send it again'
  return new AppError('DIGEST_MISMATCH', detail, { errors: [{ parameter: 'content-digest', detail }] })
}

/**
 * Watches the body of a request, whoever reads it: to be called before that begins.
 * @returns a check for when all of it was read, which throws DIGEST_MISMATCH
 */
export function watchContentDigest(request: FastifyRequest): () => void {
  const expectations = readContentDigest(request)
  if (expectations.length === 0) return () => {}
  const check = checkDigests(expectations)
  request.raw.pause() // or the first bytes would be gone before the reader asks for them
  request.raw.on('data', check.update)
  return () => {
    if (!check.matches()) throw digestMismatch()
  }
}

function isKnown(name: string): name is keyof typeof ALGORITHMS {
  return Object.hasOwn(ALGORITHMS, name)
}
