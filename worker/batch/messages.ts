import { Type } from 'typebox'
import type { BatchResult, ChunkRecord } from '../../src/batch-predictions/attempt-repository.ts'
import type { BatchInput } from '../../src/batch-predictions/batch-input.ts'
import type { OutputFormat } from '../../src/batch-predictions/schemas.ts'
import type { ErrorCode } from '../../src/errors.ts'
import type { Artifact } from '../../src/models/artifact.ts'
import type { StorageSettings } from '../../src/storage/open-blob-store.ts'

/** Everything that predicting a batch needs; the process that does it has no database. */
export interface BatchJob {
  batchId: string
  storage: StorageSettings
  files: Artifact['files']
  input: BatchInput
  output: OutputFormat
  /** For the evaluation. */
  split: string
  chunkRows: number
  /** Hashes of the chunks that are done, by index. */
  chunks: ReadonlyMap<number, string>
}

/** What a worker tells the process that predicts. */
export const ToPredictorSchema = Type.Union([
  Type.Object({
    type: Type.Literal('start'),
    job: Type.Unsafe<BatchJob>({ type: 'object', required: ['batchId'] }),
  }),
  Type.Object({ type: Type.Literal('stop') }),
])

/** What a worker tells the process that predicts. */
export type ToPredictor = Type.Static<typeof ToPredictorSchema>

/** What that process tells its worker. */
export const FromPredictorSchema = Type.Union([
  Type.Object({
    type: Type.Literal('chunk'),
    chunk: Type.Unsafe<ChunkRecord>({ type: 'object', required: ['index', 'sha256', 'rows'] }),
  }),
  Type.Object({
    type: Type.Literal('finished'),
    result: Type.Unsafe<BatchResult>({ type: 'object', required: ['output', 'evaluation', 'rowsFailed'] }),
  }),
  Type.Object({ type: Type.Literal('stopped') }),
  Type.Object({
    type: Type.Literal('failed'),
    code: Type.Unsafe<ErrorCode>({ type: 'string' }),
    message: Type.String(),
  }),
])

/** What that process tells its worker. */
export type FromPredictor = Type.Static<typeof FromPredictorSchema>
