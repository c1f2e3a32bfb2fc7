import type { Readable } from 'node:stream'
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { abortUploads } from './abort-uploads.ts'
import { translateErrors } from './errors.ts'
import { readObject } from './read-object.ts'

/** Where objects are kept. */
export interface BucketSettings {
  bucket: string
  /** Address of a store that is not Amazon's; null: Amazon's, of the region. */
  endpoint: string | null
  /** Null: as the SDK finds it, in `AWS_REGION` or the profile. */
  region: string | null
  /** Of every key; empty, or with a slash at its end. */
  prefix: string
  /** Whether the bucket stands in the path of an address, not in its host. */
  pathStyle: boolean
}

/** One object. */
export interface StoredObject {
  key: string
  bytes: number
  storedAtMs: number
}

/**
 * The few operations that are needed of a bucket; keys are without the prefix.
 * @throws {AppError} STORAGE_FULL, STORAGE_UNAVAILABLE
 */
export interface Bucket {
  /** Stores an object, wholly or not at all; a large one in parts. */
  put(key: string, body: Uint8Array | Readable, bytes: number): Promise<void>
  /** @throws NoSuchKey when it is gone */
  read(object: StoredObject, range: { from: number; to: number }): AsyncGenerator<Buffer>
  /** Also right when there is none. */
  delete(key: string): Promise<void>
  /** Objects whose keys begin so, in the order of the keys. */
  list(start: string): AsyncGenerator<StoredObject>
  /** Ends uploads in parts that began before then and were never completed. */
  abortUploads(startedBeforeMs: number): Promise<void>
}

/** Up to four parts of an upload are in memory at once. */
const PART_BYTES = 8 * 1024 ** 2

/** @see Amazon S3 user guide, multipart upload limits */
const PARTS_MAX = 10_000

/**
 * Opens a bucket of any S3-compatible store. Credentials are the SDK's business: environment, profile, role.
 *
 * Of the checksums that S3 knows, only those are sent that it demands, for other stores know fewer. What is written
 * is covered by the signature over the SHA-256 of each request, what is read is checked by its name.
 * @param attempts - how often a request is tried, with pauses that grow to 20 seconds
 */
export function openBucket({ bucket, prefix, ...settings }: BucketSettings, attempts: number): Bucket {
  const client = new S3Client({
    ...(settings.region !== null && { region: settings.region }),
    ...(settings.endpoint !== null && { endpoint: settings.endpoint }),
    forcePathStyle: settings.pathStyle,
    maxAttempts: attempts,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 3_000, socketTimeout: 30_000 },
  })
  const place = (key: string) => ({ Bucket: bucket, Key: `${prefix}${key}` })

  async function put(key: string, body: Uint8Array | Readable, bytes: number): Promise<void> {
    if (body instanceof Uint8Array && bytes <= PART_BYTES) {
      await client.send(new PutObjectCommand({ ...place(key), Body: body }))
      return
    }
    const partSize = Math.max(PART_BYTES, Math.ceil(bytes / PARTS_MAX))
    const params = { ...place(key), Body: body, ContentLength: bytes }
    await new Upload({ client, params, partSize }).done()
  }

  async function* list(start: string): AsyncGenerator<StoredObject> {
    const query = { Bucket: bucket, Prefix: `${prefix}${start}` }
    let after: { ContinuationToken?: string } | null = {}
    while (after !== null) {
      const command: ListObjectsV2Command = new ListObjectsV2Command({ ...query, ...after })
      const page = await translateErrors(() => client.send(command))
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
        yield { key: Key.slice(prefix.length), bytes: Size, storedAtMs: LastModified?.getTime() ?? 0 }
      }
      const { NextContinuationToken: token } = page
      after = token === undefined ? null : { ContinuationToken: token }
    }
  }

  return {
    put: (key, body, bytes) => translateErrors(() => put(key, body, bytes)),
    read: ({ key }, range) => readObject(client, place(key), range),
    delete: key => translateErrors(async () => void (await client.send(new DeleteObjectCommand(place(key))))),
    list,
    abortUploads: startedBeforeMs =>
      translateErrors(() => abortUploads(client, { Bucket: bucket, Prefix: prefix }, startedBeforeMs)),
  }
}
