import { pipeline } from 'node:stream/promises'
import { BlobDamagedError, type BlobStore } from '../../storage/blob-store.ts'

/**
 * Copies a blob from one store to another, checked against its hash.
 * @returns its size in bytes
 * @throws BlobDamagedError when it is missing or damaged; what was read is kept by its own hash then
 */
export async function copyBlob(from: BlobStore, to: BlobStore, sha256: string): Promise<number> {
  if (!(await from.has(sha256))) throw new BlobDamagedError(sha256)
  const draft = await to.draft()
  try {
    await pipeline(from.stream(sha256), draft.stream)
    const kept = await draft.keep()
    if (kept.sha256 !== sha256) throw new BlobDamagedError(sha256)
    return kept.bytes
  } finally {
    await draft.discard()
  }
}
