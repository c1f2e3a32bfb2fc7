import { Type } from 'typebox'
import { SplitNameSchema } from '../datasets/schemas.ts'
import { EvaluationSchema } from '../metrics/evaluation-report.ts'
import { AliasNameSchema } from '../models/schemas.ts'
import { storable } from '../names.ts'
import { pageOf, pageQuery } from '../pagination.ts'
import { BATCH_STATUSES } from './lifecycle.ts'

/** What the predictions are written as. */
export const OutputFormatSchema = Type.Enum(['csv', 'jsonl', 'parquet'] as const, { default: 'csv' })

/** What the predictions are written as. */
export type OutputFormat = Type.Static<typeof OutputFormatSchema>

/** Content type and name's end of each format. */
export const OUTPUT_TYPES: Readonly<Record<OutputFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  jsonl: 'application/jsonl; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
}

/** The model that predicts. */
export const ModelReferenceSchema = Type.Object(
  {
    name: storable({ maxLength: 100 }),
    version: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })),
    alias: Type.Optional(AliasNameSchema),
  },
  {
    additionalProperties: false,
    description: 'Without version or alias `production` if there is one, else `latest`. Not both.',
  },
)

/** The model that predicts. */
export type ModelReference = Type.Static<typeof ModelReferenceSchema>

/** A batch prediction of a dataset. */
export const BatchRequestSchema = Type.Object(
  {
    model: ModelReferenceSchema,
    datasetId: storable({ maxLength: 100 }),
    split: Type.Optional({
      ...SplitNameSchema,
      description: 'Default: `test` when the dataset has one, else `train`.',
    }),
    output: Type.Optional(OutputFormatSchema),
  },
  {
    additionalProperties: false,
    title: 'Batch prediction request',
    examples: [{ model: { name: 'survivors', alias: 'production' }, datasetId: 'ds_…', output: 'csv' }],
  },
)

/** A batch prediction of a dataset. */
export type BatchRequest = Type.Static<typeof BatchRequestSchema>

const Time = Type.Union([Type.String({ format: 'date-time' }), Type.Null()])

/** A batch prediction on the wire. */
export const BatchSchema = Type.Object(
  {
    id: Type.String(),
    model: Type.Object({ name: Type.String(), version: Type.Integer() }),
    datasetId: Type.Union([Type.String(), Type.Null()], { description: 'Null: the rows were uploaded.' }),
    split: Type.Union([Type.String(), Type.Null()]),
    output: OutputFormatSchema,
    status: Type.Enum([...BATCH_STATUSES]),
    attempt: Type.Integer({ description: 'Claims by a worker.' }),
    progress: Type.Object({
      rows: Type.Integer({ description: 'That are done.' }),
      total: Type.Integer(),
    }),
    warnings: Type.Array(Type.String()),
    evaluation: Type.Union([EvaluationSchema, Type.Null()], {
      description: 'Where the rows have labels; null until it has succeeded.',
    }),
    result: Type.Union(
      [
        Type.Object({
          bytes: Type.Integer(),
          sha256: Type.String(),
          contentType: Type.String(),
          failedRows: Type.Integer({ description: 'Rows with an error in the place of a prediction.' }),
        }),
        Type.Null(),
      ],
      { description: 'Of `…/output`; null until it has succeeded.' },
    ),
    error: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
    createdAt: Type.String({ format: 'date-time' }),
    startedAt: Time,
    finishedAt: Time,
    cancelRequestedAt: Time,
  },
  { title: 'Batch prediction' },
)

/** A batch prediction as a client sees it. */
export type Batch = Type.Static<typeof BatchSchema>

/** A page of them. */
export const BatchPageSchema = pageOf(BatchSchema)

/** Query of the list. */
export const BatchListQuery = Type.Object(
  {
    ...pageQuery('^batch_[0-9A-Z]{26}$'),
    status: Type.Optional(Type.Enum([...BATCH_STATUSES])),
    model: Type.Optional(storable({ maxLength: 100, description: 'Name of the model.' })),
  },
  { additionalProperties: false },
)

/** Query of one. */
export const BatchReadQuery = Type.Object(
  {
    waitSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 60,
        default: 0,
        description: 'Answer when it has ended, or after this time.',
      }),
    ),
  },
  { additionalProperties: false },
)
