import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RowFailure } from '../../src/batch-predictions/batch-input.ts'
import { createPredictor, type Predictor } from '../../src/inference/predictor.ts'
import { type LoadedArtifact, readArtifact } from '../../src/models/artifact.ts'
import { BlobDamagedError, type BlobStore } from '../../src/storage/blob-store.ts'
import type { BatchJob, FromPredictor } from './messages.ts'
import { type RowRange, readChunk } from './read-chunk.ts'

/** What predicting works with. */
export interface BatchRunDeps {
  blobs: BlobStore
  send(message: FromPredictor): void
  isStopped(): boolean
}

/** What all chunks need. */
export interface LoadedBatch {
  artifact: LoadedArtifact
  /** Why rows cannot be read, by index. */
  failures: ReadonlyMap<number, string>
  chunkCount: number
  rangeOf(index: number): RowRange
  /** `[rows, outputs]` of a chunk. @returns null when it shall stop */
  predict(index: number): Promise<Float32Array | null>
}

/** Multiplications between two looks at messages: about 100 ms. */
const OPERATIONS_AT_ONCE = 1_000_000_000

/** Reads what all chunks need, and checks it. @returns null when it shall stop */
export async function loadBatch(deps: BatchRunDeps, job: BatchJob): Promise<LoadedBatch | null> {
  const { blobs, isStopped } = deps
  const { input, chunkRows } = job
  const artifact = await readArtifact(blobs, job.files)
  for (const blob of [input.features, ...(input.labels ? [input.labels.blob] : [])]) {
    await verify(blobs, blob) // parts of it are read, unchecked
    if (isStopped()) return null
  }
  const failures = input.failures === null ? '[]' : (await blobs.read(input.failures)).toString('utf8')
  const predictor = createPredictor(artifact)
  const rangeOf = (index: number) => ({
    from: index * chunkRows,
    to: Math.min(input.rows, (index + 1) * chunkRows),
  })
  return {
    artifact,
    failures: new Map(JSON.parse(failures) as RowFailure[]), // written by receiveRows only
    chunkCount: Math.ceil(input.rows / chunkRows),
    rangeOf,
    predict: index => predictRange(deps, job, predictor, rangeOf(index)),
  }
}

async function predictRange(
  { blobs, isStopped }: BatchRunDeps,
  { input }: BatchJob,
  predictor: Predictor,
  range: RowRange,
): Promise<Float32Array | null> {
  const features = await readChunk(blobs, input, range)
  const rows = range.to - range.from
  const units = features.length / rows
  const atOnce = Math.max(1, Math.floor(OPERATIONS_AT_ONCE / predictor.manifest.parameterCount))
  let all = new Float32Array()
  for (let from = 0; from < rows; from += atOnce) {
    await nextTurn()
    if (isStopped()) return null
    const to = Math.min(rows, from + atOnce)
    const some = predictor.predict(features.subarray(from * units, to * units), to - from)
    const width = some.length / (to - from)
    if (from === 0) all = new Float32Array(rows * width)
    all.set(some, from * width)
  }
  return all
}

async function verify(blobs: BlobStore, sha256: string): Promise<void> {
  const hash = createHash('sha256')
  for await (const piece of blobs.stream(sha256)) hash.update(piece)
  if (hash.digest('hex') !== sha256) throw new BlobDamagedError(sha256)
}
