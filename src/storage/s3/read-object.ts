import type { Readable } from 'node:stream'
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { isMissing, translateError } from './errors.ts'

/** Breaks in a row without a byte between them. */
const BREAKS_MAX = 3

/**
 * Part of an object, in pieces. A connection that breaks in the middle is made again where it broke, for an object
 * never changes.
 * @param range - `to` is not included; it must not be past the end
 * @throws {AppError} STORAGE_UNAVAILABLE
 * @throws NoSuchKey when the object is gone
 */
export async function* readObject(
  client: S3Client,
  object: { Bucket: string; Key: string },
  range: { from: number; to: number },
): AsyncGenerator<Buffer> {
  let { from } = range
  let breaks = 0
  let body: AsyncIterator<Buffer> | null = null
  const readPiece = async (): Promise<Buffer | null> => {
    try {
      body ??= await openBody(client, object, `bytes=${from}-${range.to - 1}`)
      const next = await body.next()
      if (next.done) throw new IncompleteRead(`the object ${object.Key} ended at ${from}`)
      breaks = 0
      return next.value
    } catch (error) {
      body = null
      if (isMissing(error) || ++breaks > BREAKS_MAX) throw translateError(error)
      return null
    }
  }
  try {
    while (from < range.to) {
      const piece = (await readPiece())?.subarray(0, range.to - from) // a store that ignores Range sends more
      if (!piece) continue
      from += piece.length
      yield piece
    }
  } finally {
    await (body as AsyncIterator<Buffer> | null)?.return?.()
  }
}

async function openBody(
  client: S3Client,
  object: { Bucket: string; Key: string },
  range: string,
): Promise<AsyncIterator<Buffer>> {
  const { Body } = await client.send(new GetObjectCommand({ ...object, Range: range }))
  return (Body as Readable)[Symbol.asyncIterator]()
}

class IncompleteRead extends Error {
  override readonly name = 'IncompleteRead'
}
