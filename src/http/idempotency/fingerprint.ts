import { createHash, type Hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { RequestPart } from '../multipart.ts'

/**
 * What makes a request the same as another under its key: method, address and body. JSON counts by its value, so
 * the order of fields and white space do not matter; a file counts by its bytes.
 * @returns SHA-256, hexadecimal
 */
export function fingerprintRequest(request: FastifyRequest, body: unknown = request.body): string {
  const hash = createHash('sha256').update(`${request.method} ${request.url}\n`)
  addValue(hash, body ?? null)
  return hash.digest('hex')
}

/**
 * Each value as text whose end is known from its beginning, fields in the order of their names.
 * Without recursion: JSON may be nested as deep as its size allows.
 */
function addValue(hash: Hash, root: unknown): void {
  const pending: unknown[] = [root] // in reverse
  while (pending.length > 0) {
    const value = pending.pop()
    if (Buffer.isBuffer(value)) {
      hash.update(`bytes ${value.length}:`).update(value)
    } else if (Array.isArray(value)) {
      hash.update(`[${value.length}:`)
      for (let index = value.length - 1; index >= 0; index--) pending.push(value[index])
    } else if (typeof value === 'object' && value !== null) {
      const fields = Object.entries(value).sort(([a], [b]) => (a < b ? 1 : -1))
      hash.update(`{${fields.length}:`)
      for (const [name, field] of fields) pending.push(field, name)
    } else {
      hash.update(`${JSON.stringify(value)},`)
    }
  }
}

/** Parts of a multipart body on their way to their reader, and what they were once all are read. */
export interface FingerprintedParts {
  parts: AsyncGenerator<RequestPart>
  /** The names of the parts, the values of text, the hashes of files; not the boundary nor the names of files. */
  contents(): { name: string; value?: string; sha256?: string }[]
}

/**
 * Hashes the parts of a multipart body as they are read.
 * @param hasKey - there is an `Idempotency-Key`; without one nobody asks what the parts were
 */
export function fingerprintParts(source: AsyncGenerator<RequestPart>, hasKey: boolean): FingerprintedParts {
  if (!hasKey) return { parts: source, contents: () => [] }
  const seen: { name: string; value?: string; hash?: Hash }[] = []
  async function* pass(): AsyncGenerator<RequestPart> {
    for await (const part of source) {
      if (part.kind === 'field') {
        seen.push({ name: part.name, value: part.value })
        yield part
      } else {
        const hash = createHash('sha256')
        seen.push({ name: part.name, hash })
        yield { ...part, content: hashPieces(part.content, hash) }
      }
    }
  }
  return {
    parts: pass(),
    contents: () =>
      seen.map(({ name, value, hash }) => ({
        name,
        ...(value !== undefined && { value }),
        ...(hash && { sha256: hash.digest('hex') }),
      })),
  }
}

async function* hashPieces(pieces: AsyncIterable<Buffer>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    hash.update(piece)
    yield piece
  }
}
