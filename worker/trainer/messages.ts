import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { DatasetContent } from '../../src/datasets/content.ts'
import type { ErrorCode } from '../../src/errors.ts'
import type { CheckpointRecord, EpochRecord, Progress } from '../../src/jobs/attempt-repository.ts'
import type { TrainingSpec } from '../../src/jobs/training-spec.ts'
import { EvaluationSchema } from '../../src/metrics/evaluation-report.ts'
import type { Network } from '../../src/mlp/network.ts'
import type { Artifact } from '../../src/models/artifact.ts'
import type { BaseModel } from '../../src/models/base-model.ts'
import type { Manifest } from '../../src/models/manifest.ts'
import type { StorageSettings } from '../../src/storage/open-blob-store.ts'
import type { EngineChoice } from '../engines/choose-engine.ts'
import type { Preparation } from './split-rows.ts'

/** Everything a trainer needs to know; it has no database. */
export type TrainerJob = Preparation & {
  jobId: string
  storage: StorageSettings
  checkpointSeconds: number
  /** Features of a split that are larger are trained in blocks. */
  residentBytesMax: number
  dataset: DatasetContent & { id: string; sha256: string }
  network: Network
  training: TrainingSpec
  parameterCount: number
  /** Whose weights are the first ones, with its files; null: they are drawn. */
  base: (BaseModel & Pick<Artifact, 'files'>) | null
  /** Where to resume from, the best choice first; empty: from the start. */
  checkpoints: readonly CheckpointRecord[]
}

/** What a worker tells its trainer. */
export const WorkerMessageSchema = Type.Union([
  Type.Object({
    type: Type.Literal('load'),
    choice: Type.Unsafe<EngineChoice>({ type: 'object', required: ['engine'] }),
  }),
  Type.Object({
    type: Type.Literal('start'),
    job: Type.Unsafe<TrainerJob>({ type: 'object', required: ['jobId'] }),
  }),
  Type.Object({
    type: Type.Literal('stop'),
    /** Whether to make a checkpoint first. */
    checkpoint: Type.Boolean(),
  }),
])

/** What a worker tells its trainer. */
export type WorkerMessage = Type.Static<typeof WorkerMessageSchema>

/** What a model is, but for what `writeArtifact` adds. */
export type ModelDescription = Omit<Manifest, 'weights' | 'files' | 'format'>

const Checkpoint = Type.Unsafe<CheckpointRecord>({
  type: 'object',
  required: ['step', 'epoch', 'sha256', 'bytes'],
})

/** What a trainer tells its worker. */
export const TrainerMessageSchema = Type.Union([
  /** The engine is loaded; jobs may come. */
  Type.Object({ type: Type.Literal('loaded'), device: Type.String() }),
  /** It works, though there is nothing to report. */
  Type.Object({ type: Type.Literal('alive') }),
  Type.Object({
    type: Type.Literal('progress'),
    progress: Type.Unsafe<Progress>({ type: 'object', required: ['phase', 'step'] }),
  }),
  Type.Object({
    type: Type.Literal('epoch'),
    epoch: Type.Unsafe<EpochRecord>({ type: 'object', required: ['epoch', 'step', 'metrics'] }),
    checkpoint: Type.Union([Checkpoint, Type.Null()]),
  }),
  Type.Object({ type: Type.Literal('checkpoint'), checkpoint: Checkpoint }),
  /** There are other steps than were planned when the job was submitted. */
  Type.Object({ type: Type.Literal('planned'), steps: Type.Integer({ minimum: 1 }) }),
  Type.Object({
    type: Type.Literal('finished'),
    artifact: Type.Unsafe<Artifact>({ type: 'object', required: ['sha256', 'bytes', 'files'] }),
    description: Type.Unsafe<ModelDescription>({ type: 'object', required: ['kind', 'jobId'] }),
    evaluation: Type.Union([EvaluationSchema, Type.Null()]),
    /** Blob of what each example of the evaluation was taken for. */
    outcomes: Type.Union([Type.String(), Type.Null()]),
  }),
  Type.Object({ type: Type.Literal('stopped') }),
  Type.Object({
    type: Type.Literal('failed'),
    code: Type.Unsafe<ErrorCode>({ type: 'string' }),
    message: Type.String(),
  }),
])

/** What a trainer tells its worker. */
export type TrainerMessage = Type.Static<typeof TrainerMessageSchema>

/** @throws Error when the other side does not speak this language */
export function parseMessage<Schema extends Type.TSchema>(
  schema: Schema,
  message: unknown,
): Type.Static<Schema> {
  if (Value.Check(schema, message)) return message as Type.Static<Schema> // narrowed by the check
  throw new Error('a message between worker and trainer does not fit its schema')
}
