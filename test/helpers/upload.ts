import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { readExamples } from '../../src/datasets/examples.ts'
import type { NewDataset, StoredDataset } from '../../src/datasets/repository.ts'
import type { SplitName } from '../../src/datasets/schemas.ts'
import { inspectDataset, receiveDataset, type UploadPart } from '../../src/datasets/upload.ts'
import { createImageDecoder } from '../../src/images/decode-image.ts'
import { createDiskBlobStore } from '../../src/storage/disk-blob-store.ts'

/** Text parts by name, files as bytes. */
export type Parts = Readonly<Record<string, string | Uint8Array>>

/** Uploads into a folder, without HTTP and without a database. */
export function createUploader(folder: string, uploadBytesMax = 2 ** 30) {
  const blobs = createDiskBlobStore(folder)
  const deps = { blobs, uploadBytesMax, ...createImageDecoder() }
  return {
    blobs,
    /** @param pieceBytes - in pieces of this size, as a network would */
    upload: (parts: Parts, pieceBytes?: number) => receiveDataset(deps, toParts(parts, pieceBytes)),
    inspect: (parts: Parts) => inspectDataset(deps, toParts(parts)),
    /** What was stored, by its meaning. */
    examples: (dataset: NewDataset, split: SplitName = 'train', limit = 10_000) =>
      readExamples(blobs, dataset as unknown as StoredDataset, split, 0, limit), // the row's fields are not read
    /** Files of the folder: blobs and drafts. */
    async files() {
      const list = (name: string) => readdir(path.join(folder, name), { recursive: true }).catch(() => [])
      return {
        blobs: (await list('blobs')).filter(name => /[0-9a-f]{64}$/.test(name)),
        drafts: await list('drafts'),
      }
    },
  }
}

async function* toParts(parts: Parts, pieceBytes = 64 * 1024): AsyncGenerator<UploadPart> {
  yield { kind: 'field', name: 'name', value: 'uploaded' }
  for (const [name, value] of Object.entries(parts)) {
    if (typeof value === 'string') yield { kind: 'field', name, value }
    else yield { kind: 'file', name, content: toPieces(value, pieceBytes) }
  }
}

function toPieces(bytes: Uint8Array, pieceBytes: number): AsyncIterable<Buffer> {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = Math.ceil(whole.length / pieceBytes)
  return Readable.from(
    Array.from({ length: count }, (_, index) => whole.subarray(index * pieceBytes, (index + 1) * pieceBytes)),
    { objectMode: true },
  )
}
