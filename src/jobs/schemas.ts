import { Type } from 'typebox'
import { NetworkSchema } from '../mlp/network.ts'
import { BaseModelSchema, TakenLayersSchema } from '../models/base-model.ts'
import { AliasNameSchema } from '../models/schemas.ts'
import { NameSchema, storable } from '../names.ts'
import { pageOf, pageQuery } from '../pagination.ts'
import { PreprocessingRequestSchema } from '../preprocessing/preprocessing.ts'
import { EVENT_TYPES } from './lifecycle.ts'
import { TrainingSchema } from './training-spec.ts'

const nullable = <Schema extends Type.TSchema>(schema: Schema, description: string) =>
  Type.Union([schema, Type.Null()], { description })

/** Labels of a job, for its owner's own use. */
export const MetadataSchema = Type.Record(
  Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' }),
  storable({ maxLength: 512 }),
  {
    maxProperties: 16,
    additionalProperties: false,
    description: 'Up to 16 labels; jobs can be listed by them.',
  },
)

/** The version that a training begins with, in a request; an alias is resolved at once. */
export const BaseModelRequestSchema = Type.Object(
  {
    name: NameSchema,
    version: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })),
    alias: Type.Optional(AliasNameSchema),
    layers: Type.Optional(TakenLayersSchema),
  },
  {
    additionalProperties: false,
    description: 'Its weights are the initial ones. One of `version` and `alias` is required.',
  },
)

/** What `POST /v1/jobs` takes. */
export const JobRequestSchema = Type.Object(
  {
    name: Type.Optional(NameSchema),
    model: Type.Optional(Type.Object({ name: NameSchema }, { additionalProperties: false })),
    datasetId: storable({ minLength: 1, maxLength: 64 }),
    network: Type.Optional(NetworkSchema),
    baseModel: Type.Optional(BaseModelRequestSchema),
    training: Type.Optional(TrainingSchema),
    preprocessing: Type.Optional(PreprocessingRequestSchema),
    priority: Type.Optional(
      Type.Integer({ minimum: -100, maximum: 100, default: 0, description: 'Smaller starts first.' }),
    ),
    metadata: Type.Optional(MetadataSchema),
  },
  {
    additionalProperties: false,
    title: 'Job request',
    examples: [
      {
        name: 'digits',
        datasetId: 'ds_01KAV5Q2M3ZJ8C1N4R7T9WXYZ0',
        network: {
          layers: [
            { type: 'dense', units: 128, activation: 'relu' },
            { type: 'dense', units: 64, activation: 'relu' },
            { type: 'dense', units: 10, activation: 'softmax' },
          ],
        },
        training: { epochs: 10, batchSize: 128, optimizer: { type: 'adam', learningRate: 0.001 }, seed: 42 },
        metadata: { customer: 'acme' },
      },
    ],
  },
)

/** What `POST /v1/jobs` takes. */
export type JobRequest = Type.Static<typeof JobRequestSchema>

/** Metrics of an epoch by name; validation ones begin with `val`. */
export const MetricsSchema = Type.Record(Type.String(), Type.Union([Type.Number(), Type.Null()]))

/** A job on the wire. */
export const JobSchema = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    modelName: Type.String({ description: 'The model that gets a version when the job succeeds.' }),
    status: Type.Enum(['queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled'] as const),
    phase: nullable(
      Type.Enum(['loading', 'training', 'evaluating', 'saving'] as const),
      'What is being done; null unless running.',
    ),
    queuePosition: nullable(Type.Integer(), '1 is next; null unless queued.'),
    attempt: Type.Integer({ description: 'How often a worker took the job; 0 before the first.' }),
    priority: Type.Integer(),
    datasetId: Type.String(),
    datasetSha256: Type.String(),
    network: Type.Unknown({ description: 'As trained: every default filled in.' }),
    training: Type.Unknown({ description: 'As trained: every default filled in.' }),
    preprocessing: Type.Unknown({ description: 'As trained: every default filled in.' }),
    parameterCount: Type.Integer(),
    trainableParameterCount: nullable(
      Type.Integer(),
      'Without those of frozen layers and of moving means; null: an earlier release took it in.',
    ),
    baseModel: nullable(BaseModelSchema, 'What it begins with; null: with weights that are drawn.'),
    progress: Type.Object({
      epoch: Type.Integer({ description: 'Epochs completed, over all fits.' }),
      epochs: Type.Integer({ description: 'With k folds, k + 1 times those of `training`.' }),
      step: Type.Integer(),
      steps: Type.Integer(),
      examplesPerSecond: nullable(Type.Number(), 'Null before the first steps.'),
      etaSeconds: nullable(Type.Number(), 'Null unless training.'),
    }),
    metrics: Type.Object({
      last: nullable(MetricsSchema, 'Of the newest epoch; null before the first.'),
      best: nullable(
        MetricsSchema,
        'Of the epoch with the lowest valLoss (loss without validation), with its number, and its fold where it has one.',
      ),
    }),
    engine: nullable(Type.String(), 'Null before the first attempt.'),
    device: nullable(Type.String(), 'Null before the first attempt.'),
    modelVersion: nullable(Type.Integer(), 'Null until succeeded.'),
    error: nullable(
      Type.Object({
        code: Type.String(),
        message: Type.String(),
        param: Type.Union([Type.String(), Type.Null()]),
        logTail: Type.Array(Type.String(), {
          description: 'The last lines that its trainer wrote, the oldest first.',
        }),
      }),
      'Why it failed; null otherwise.',
    ),
    metadata: Type.Record(Type.String(), Type.String()),
    createdAt: Type.String({ format: 'date-time' }),
    queuedAt: Type.String({ format: 'date-time' }),
    startedAt: nullable(Type.String({ format: 'date-time' }), 'First start; null before it.'),
    finishedAt: nullable(Type.String({ format: 'date-time' }), 'Null until ended.'),
    cancelRequestedAt: nullable(Type.String({ format: 'date-time' }), 'Null unless a cancel was asked for.'),
    pauseRequestedAt: nullable(
      Type.String({ format: 'date-time' }),
      'Null unless a pause was asked for that has not taken effect.',
    ),
  },
  { title: 'Job' },
)

/** A job as a client sees it. */
export type Job = Type.Static<typeof JobSchema>

/** A page of jobs. */
export const JobPageSchema = pageOf(JobSchema)

/** Query of the list; `metadata[key]=value` is taken besides. */
export const JobListQuery = Type.Object(
  {
    ...pageQuery('^job_[0-9A-Z]{26}$'),
    status: Type.Optional(JobSchema.properties.status),
    datasetId: Type.Optional(storable()),
  },
  {
    additionalProperties: false,
    patternProperties: { '^metadata\\[[A-Za-z0-9_.-]{1,64}\\]$': storable({ maxLength: 512 }) },
  },
)

/** Query of one job. */
export const JobReadQuery = Type.Object(
  {
    waitSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 60,
        description: 'Answer when status, phase or epoch changes, or after this.',
      }),
    ),
    sinceEvent: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2 ** 31 - 1,
        description: 'Answer at once when there is an event with a greater id.',
      }),
    ),
  },
  { additionalProperties: false },
)

/** What a dry run answers. */
export const DryRunSchema = Type.Object({
  parameterCount: Type.Integer(),
  trainableParameterCount: Type.Integer(),
  baseModel: nullable(BaseModelSchema, 'What it would begin with.'),
  estimate: Type.Object({
    trainerMemoryBytes: Type.Integer(),
    secondsPerEpoch: Type.Number(),
    seconds: Type.Number(),
  }),
  network: Type.Unknown(),
  training: Type.Unknown(),
  preprocessing: Type.Unknown(),
  inputs: Type.Union([Type.Array(Type.String()), Type.Null()], {
    description: 'What each input of the network means; null where features have no names.',
  }),
})

/** What a dry run answers. */
export type DryRun = Type.Static<typeof DryRunSchema>

/** A stored event on the wire. */
export const JobEventSchema = Type.Object(
  {
    id: Type.Integer({ description: 'Numbered from 1 in each job, without gaps.' }),
    type: Type.Enum([...EVENT_TYPES]),
    at: Type.String({ format: 'date-time' }),
    data: Type.Unknown(),
  },
  { title: 'Job event' },
)

/** An event of a job. */
export type JobEvent = Type.Static<typeof JobEventSchema>

/** One epoch on the wire; metrics stand beside the other fields. */
export const EpochSchema = Type.Object(
  {
    epoch: Type.Integer({ description: 'Counted over all fits of the job.' }),
    fold: nullable(
      Type.Integer(),
      'The fold that it was validated on; null without folds, and for the fit that makes the model.',
    ),
    attempt: Type.Integer(),
    learningRate: Type.Number(),
    durationMs: Type.Number(),
    examplesPerSecond: Type.Number(),
    at: Type.String({ format: 'date-time' }),
  },
  { title: 'Epoch', additionalProperties: Type.Union([Type.Number(), Type.Null()]) },
)

/** A checkpoint that is kept, on the wire. */
export const KeptCheckpointSchema = Type.Object({
  step: Type.Integer({ description: 'Steps done over all epochs.' }),
  epoch: Type.Integer({ description: 'Epochs completed.' }),
  sha256: Type.String(),
  bytes: Type.Integer(),
  createdAt: Type.String({ format: 'date-time' }),
})

/** A checkpoint that is kept. */
export type KeptCheckpoint = Type.Static<typeof KeptCheckpointSchema>
