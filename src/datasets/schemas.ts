import { Type } from 'typebox'
import { NameSchema, storable } from '../names.ts'
import { pageOf, pageQuery } from '../pagination.ts'
import { ColumnSchema, TaskSchema } from './columns.ts'

/** The uses of examples, in their order. */
export const SPLITS = ['train', 'validation', 'test'] as const

/** A use of examples. */
export const SplitNameSchema = Type.Enum([...SPLITS])

/** A use of examples. */
export type SplitName = Type.Static<typeof SplitNameSchema>

const ClassCounts = Type.Record(Type.String(), Type.Integer(), { description: 'Examples of each label.' })

/** What the files of a dataset were. */
export const DatasetFormatSchema = Type.Enum(['idx', 'csv', 'jsonl', 'npz', 'parquet', 'zip'] as const)

/** What the files of a dataset were. */
export type DatasetFormat = Type.Static<typeof DatasetFormatSchema>

/** What is known of a dataset once its files were read. */
const Known = {
  format: DatasetFormatSchema,
  kind: Type.Enum(['image', 'table'] as const),
  dtype: Type.Enum(['uint8', 'float32', 'float64'] as const),
  task: TaskSchema,
}

const untilReady = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

/** A dataset on the wire. */
export const DatasetSchema = Type.Object(
  {
    id: Type.String(),
    name: NameSchema,
    version: Type.Integer({ description: 'Uploads under the same name are numbered from 1.' }),
    status: Type.Enum(['processing', 'ready', 'failed'] as const),
    format: untilReady(Known.format),
    kind: untilReady(Known.kind),
    sha256: Type.Union([Type.String(), Type.Null()], {
      description: 'Hash of the content; null until ready.',
    }),
    bytes: Type.Integer({ description: 'Size of the stored examples.' }),
    shape: Type.Array(Type.Integer(), {
      description: 'Shape of one example: [height, width, channels], or [columns] of a table.',
    }),
    dtype: untilReady(Known.dtype),
    task: untilReady(Known.task),
    targets: Type.Array(Type.String(), {
      description: 'Columns to be learnt; empty where they have no name.',
    }),
    columns: Type.Union([Type.Array(ColumnSchema), Type.Null()], {
      description: 'Of a table, in the order of its features; null where features have no names.',
    }),
    classes: Type.Array(Type.String(), { description: 'Labels, in the order of the network’s outputs.' }),
    splits: Type.Record(Type.String(), Type.Object({ examples: Type.Integer(), classCounts: ClassCounts })),
    warnings: Type.Array(Type.String(), { description: 'What you should know about the data.' }),
    error: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()], {
      description: 'Why it failed; null otherwise.',
    }),
    createdAt: Type.String({ format: 'date-time' }),
  },
  {
    title: 'Dataset',
    description: 'Of one that is processing or failed, `format`, `kind`, `dtype` and `task` are null.',
  },
)

/** A dataset as a client sees it. */
export type Dataset = Type.Static<typeof DatasetSchema>

/** A page of datasets. */
export const DatasetPageSchema = pageOf(DatasetSchema)

/** Query of the list. */
export const DatasetListQuery = Type.Object(
  { ...pageQuery('^ds_[0-9A-Z]{26}$'), name: Type.Optional(NameSchema) },
  { additionalProperties: false },
)

/** Query of one dataset. */
export const DatasetReadQuery = Type.Object(
  {
    waitSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 60,
        default: 0,
        description: 'While the dataset is processing, answer when it no longer is, or after this time.',
      }),
    ),
  },
  { additionalProperties: false },
)

/** Figures about the features of one split. */
export const FeatureStatisticsSchema = Type.Object(
  {
    examples: Type.Integer(),
    classCounts: ClassCounts,
    min: Type.Union([Type.Number(), Type.Null()]),
    max: Type.Union([Type.Number(), Type.Null()]),
    mean: Type.Union([Type.Number(), Type.Null()]),
    standardDeviation: Type.Union([Type.Number(), Type.Null()], {
      description: 'Of the population: divided by the count.',
    }),
  },
  { description: 'Of all features together; null for a table of named columns, each of which has its own.' },
)

/** Figures about the features of one split, in the data's own units. */
export type FeatureStatistics = Type.Static<typeof FeatureStatisticsSchema>

/** Query of the examples of a split. */
export const ExamplesQuery = Type.Object(
  {
    split: Type.Optional({ ...SplitNameSchema, default: 'train' }),
    offset: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  },
  { additionalProperties: false },
)

/** Query of a grid of images. */
export const GridQuery = Type.Object(
  {
    split: Type.Optional({ ...SplitNameSchema, default: 'train' }),
    rows: Type.Optional(Type.Integer({ minimum: 1, maximum: 16, default: 4 })),
    columns: Type.Optional(Type.Integer({ minimum: 1, maximum: 16, default: 8 })),
    class: Type.Optional(storable({ description: 'Only images of this class.' })),
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 })),
  },
  { additionalProperties: false },
)

const ExampleSchema = Type.Object({
  index: Type.Integer({ description: 'From 0, in the order of the upload.' }),
  label: Type.Union([Type.String(), Type.Array(Type.String()), Type.Number(), Type.Array(Type.Number())], {
    description: 'The class; of several labels those that hold; of a regression the number, or the numbers.',
  }),
  features: Type.Array(Type.Union([Type.Number(), Type.Boolean(), Type.String(), Type.Null()]), {
    description:
      'Row by row, in the data’s own units. Of a table by their meaning: categories by name, dates of ISO 8601; null ' +
      'where a value is missing, and for ids and texts, which are not kept.',
  }),
})

/** A page of examples, in stored order. */
export const ExamplePageSchema = pageOf(ExampleSchema)

/** Query of an upload. */
export const UploadQuery = Type.Object(
  {
    dryRun: Type.Optional(
      Type.Boolean({ default: false, description: 'Answer what would be stored, and store nothing.' }),
    ),
  },
  { additionalProperties: false },
)

/** What an upload would become. */
export const DatasetPreviewSchema = Type.Object(
  {
    ...Type.Pick(DatasetSchema, ['shape', 'targets', 'columns', 'classes', 'splits', 'warnings']).properties,
    ...Known,
    examples: Type.Array(ExampleSchema, { description: 'The first of the training split.' }),
  },
  { title: 'DatasetPreview' },
)

/** What an upload would become. */
export type DatasetPreview = Type.Static<typeof DatasetPreviewSchema>
