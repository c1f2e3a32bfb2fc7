import { createHash } from 'node:crypto'
import {
  type DatasetContent,
  FEATURE_BYTES,
  featureCount,
  type StoredSplit,
} from '../../src/datasets/content.ts'
import type { Targets } from '../../src/mlp/task.ts'
import type { RawFeatures } from '../../src/preprocessing/encoder.ts'
import { BlobDamagedError, type BlobStore } from '../../src/storage/blob-store.ts'

/** Bytes of the features of one example, as they are stored. */
export function rowBytes({ shape, dtype }: DatasetContent): number {
  return featureCount(shape) * FEATURE_BYTES[dtype]
}

/** All features of a split, checked against their hash. */
export async function readFeatures(
  blobs: BlobStore,
  dataset: DatasetContent,
  { features }: StoredSplit,
): Promise<RawFeatures> {
  return toFeatures(dataset, await blobs.read(features))
}

/** The features of the rows from `from` to before `to`. They must have been checked before. */
export async function readRows(
  blobs: BlobStore,
  dataset: DatasetContent,
  { features }: StoredSplit,
  { from, to }: { from: number; to: number },
): Promise<RawFeatures> {
  const bytes = rowBytes(dataset)
  return toFeatures(dataset, await blobs.readRange(features, from * bytes, (to - from) * bytes))
}

/** Checks a split that is too large to be read at once. @throws {BlobDamagedError} */
export async function verifyFeatures(blobs: BlobStore, { features }: StoredSplit): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of blobs.stream(features)) hash.update(chunk)
  if (hash.digest('hex') !== features) throw new BlobDamagedError(features)
}

/** What is to be learnt of a split, in its own units: class numbers, or a row of numbers for each example. */
export async function readTargets(
  blobs: BlobStore,
  { task }: DatasetContent,
  { labels }: StoredSplit,
): Promise<Targets> {
  const bytes = await blobs.read(labels)
  const own = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
  return task === 'classification' ? new Int32Array(own) : new Float32Array(own)
}

function toFeatures({ dtype }: DatasetContent, bytes: Buffer): RawFeatures {
  if (dtype === 'uint8') return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  const own = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) // aligned
  return dtype === 'float32' ? new Float32Array(own) : new Float64Array(own)
}
