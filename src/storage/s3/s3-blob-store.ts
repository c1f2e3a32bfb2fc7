import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { ulid } from 'ulid'
import { BlobDamagedError, type BlobDraft, type BlobStore } from '../blob-store.ts'
import type { DraftFile } from '../draft-file.ts'
import { readAt } from '../read-at.ts'
import type { Bucket, StoredObject } from './bucket.ts'
import { isMissing } from './errors.ts'
import { openSpool } from './spool.ts'

const BLOBS = 'blobs/'

/** How often a blob is looked up again whose object went while it was opened. */
const LOOKS_MAX = 5

/**
 * Blobs as objects `blobs/ab/ab12…/<ULID>`. S3 cannot rename and cannot delete on a condition, so each `keep` makes
 * an object of its own and then deletes the earlier ones of the same content: whoever deletes, names an object that
 * nobody will ever write again, and a collector that looked before a `keep` cannot hit what it made.
 *
 * A draft is a nameless file on the local disk, for its hash is known at its end only; then it is put into the
 * bucket, which shows an object wholly or not at all. A crash before leaves nothing, one in the middle an upload in
 * parts that `deleteDrafts` ends, one afterwards a blob for the collection of garbage.
 * @param spoolFolder - of this machine, with room for the largest upload
 */
export function createS3BlobStore(bucket: Bucket, spoolFolder: string): BlobStore {
  /** The objects of a blob, the newest first. */
  async function find(sha256: string): Promise<StoredObject[]> {
    const objects: StoredObject[] = []
    for await (const object of bucket.list(folderOf(sha256))) objects.unshift(object)
    return objects
  }

  async function keep(sha256: string, body: Uint8Array | Readable, bytes: number): Promise<void> {
    const key = `${folderOf(sha256)}${ulid()}`
    await bucket.put(key, body, bytes)
    for (const object of await find(sha256)) if (object.key < key) await bucket.delete(object.key)
  }

  /** Pieces of a blob, from the object that is there: another may take its place at any time. */
  async function* readPieces(
    sha256: string,
    offset = 0,
    length = Number.POSITIVE_INFINITY,
    found?: StoredObject,
  ) {
    let from = offset
    let object = found
    for (let looks = 1; ; looks++) {
      object ??= (await find(sha256))[0]
      if (!object) throw new BlobDamagedError(sha256)
      try {
        const to = Math.min(object.bytes, offset + length)
        for await (const piece of bucket.read(object, { from, to })) {
          from += piece.length
          yield piece
        }
        return
      } catch (error) {
        if (!isMissing(error) || looks === LOOKS_MAX) throw error
        object = undefined
      }
    }
  }

  const store: BlobStore = {
    draft: async (isScratch = false) => openDraft(await openSpool(spoolFolder, isScratch), keep),
    async put(content) {
      const sha256 = createHash('sha256').update(content).digest('hex')
      await keep(sha256, content, content.length)
      return { sha256, bytes: content.length }
    },
    async read(sha256) {
      const [object] = await find(sha256)
      const content = await collect(readPieces(sha256, 0, object?.bytes, object), object?.bytes ?? 0)
      if (createHash('sha256').update(content).digest('hex') !== sha256) throw new BlobDamagedError(sha256)
      return content
    },
    readRange: (sha256, offset, length) => collect(readPieces(sha256, offset, length), length),
    stream: sha256 => Readable.from(readPieces(sha256), { objectMode: false }),
    has: async sha256 => (await find(sha256)).length > 0,
    async deleteUnused(sha256, keptBeforeMs) {
      const objects = await find(sha256)
      if (objects.length === 0 || objects.some(({ storedAtMs }) => storedAtMs >= keptBeforeMs)) return false
      for (const { key } of objects) await bucket.delete(key)
      return true
    },
    async restoreTaken() {}, // nothing is ever taken: see above
    deleteDrafts: startedBeforeMs => bucket.abortUploads(startedBeforeMs),
    async *list() {
      let blob: { sha256: string; bytes: number; keptAtMs: number } | null = null
      for await (const { key, bytes, storedAtMs } of bucket.list(BLOBS)) {
        const [, sha256] = /^blobs\/..\/([0-9a-f]{64})\//.exec(key) ?? []
        if (sha256 === undefined) continue
        if (blob && blob.sha256 !== sha256) yield blob
        const earlierMs: number = blob?.sha256 === sha256 ? blob.keptAtMs : 0
        blob = { sha256, bytes, keptAtMs: Math.max(earlierMs, storedAtMs) }
      }
      if (blob) yield blob
    },
    check: () => bucket.put('check', Buffer.alloc(0), 0),
  }
  return store
}

function folderOf(sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new BlobDamagedError(sha256)
  return `${BLOBS}${sha256.slice(0, 2)}/${sha256}/`
}

function openDraft(
  spool: DraftFile,
  keep: (sha256: string, body: Readable, bytes: number) => Promise<void>,
): BlobDraft {
  const readBack = () =>
    spool.handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 1024 ** 2 })
  return {
    stream: spool.stream,
    readBack,
    readRange: (offset, length) => readAt(spool.handle, offset, length),
    async settle() {}, // nothing goes to the bucket that may not be kept
    async keep() {
      const blob = spool.finish()
      await keep(blob.sha256, readBack(), blob.bytes)
      await spool.close()
      return blob
    },
    async discard() {
      spool.stream.destroy()
      await spool.close()
    },
  }
}

/** @param bytes - how many there are, at most */
async function collect(pieces: AsyncIterable<Buffer>, bytes: number): Promise<Buffer> {
  const whole = Buffer.allocUnsafeSlow(bytes)
  let at = 0
  for await (const piece of pieces) at += piece.copy(whole, at)
  return whole.subarray(0, at)
}
