import path from 'node:path'
import type { BlobStore } from './blob-store.ts'
import { createCachedBlobStore } from './cached-blob-store.ts'
import { createDiskBlobStore } from './disk-blob-store.ts'
import type { BucketSettings } from './s3/bucket.ts'

/** Where blobs are kept. */
export type StorageSettings =
  | { kind: 'disk'; folder: string }
  | (BucketSettings & {
      kind: 's3'
      /** Of this machine, for what is on its way into the bucket, and for copies. */
      folder: string
      /** How much of the bucket trainers keep on the local disk. */
      cacheBytesMax: number
    })

/** What a process asks of its store. */
export interface StorageUse {
  /** How often a request to a store elsewhere is tried. */
  attempts: number
  /** Whether what is read whole is kept on the local disk, because parts of it are read again. */
  isCached: boolean
}

/** Opens the store. What S3 needs is loaded for S3 only: it is 30 MB of memory. */
export async function openBlobStore(settings: StorageSettings, use: StorageUse): Promise<BlobStore> {
  if (settings.kind === 'disk') return createDiskBlobStore(settings.folder)
  const { openBucket } = await import('./s3/bucket.ts')
  const { createS3BlobStore } = await import('./s3/s3-blob-store.ts')
  const store = createS3BlobStore(openBucket(settings, use.attempts), path.join(settings.folder, 'drafts'))
  if (!use.isCached) return store
  return createCachedBlobStore(store, {
    folder: path.join(settings.folder, 'cache'),
    bytesMax: settings.cacheBytesMax,
  })
}
