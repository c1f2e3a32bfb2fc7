import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { Writable } from 'node:stream'
import type { Blob } from './blob-store.ts'

/** A new file that is hashed while it is written, unless it is scratch. */
export interface DraftFile {
  readonly handle: FileHandle
  readonly stream: Writable
  /** What was written; once, when all of it is. @throws Error when it is scratch, or not all was written */
  finish(): Blob
  close(): Promise<void>
}

/**
 * Makes a file that only its owner can read.
 * @throws Error when it exists
 */
export async function createDraftFile(file: string, isScratch: boolean): Promise<DraftFile> {
  const handle = await open(file, 'wx+', 0o600)
  const hash = createHash('sha256')
  let bytes = 0
  let isOpen = true
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!isScratch) hash.update(chunk)
      bytes += chunk.length
      writeAll(handle, chunk).then(() => done(), done)
    },
  })
  return {
    handle,
    stream,
    finish() {
      if (isScratch) throw new Error('a scratch draft cannot be kept')
      // What was hashed is not all in the file when a write has failed, on a full disk say.
      if (!stream.writableFinished)
        throw stream.errored ?? new Error('a draft must be written whole to be kept')
      return { sha256: hash.digest('hex'), bytes }
    },
    async close() {
      if (!isOpen) return
      isOpen = false
      await handle.close()
    },
  }
}

async function writeAll(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let written = 0; written < chunk.length; ) {
    written += (await handle.write(chunk, written)).bytesWritten
  }
}
