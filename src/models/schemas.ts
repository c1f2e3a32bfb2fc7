import { Type } from 'typebox'
import { storable } from '../names.ts'
import { pageOf } from '../pagination.ts'
import { FittedPreprocessingSchema } from '../preprocessing/preprocessing.ts'
import { LineageSchema } from './lineage.ts'

/** A tag: a word to find things by. */
export const TagSchema = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '^[\\p{L}\\p{N}][\\p{L}\\p{N}._:=/@+-]*$',
  description: '1–64 letters, digits and `. _ : = / @ + -`, a letter or digit first.',
})

/** What people say of a model or a version, and may change; the rest of a version never changes. */
export const DescriptionSchema = Type.Object(
  {
    description: Type.Optional(storable({ maxLength: 10_000 })),
    tags: Type.Optional(Type.Array(TagSchema, { maxItems: 32, uniqueItems: true })),
  },
  { additionalProperties: false, minProperties: 1, title: 'Description' },
)

/** What people say of a model or a version. */
export type Description = Type.Static<typeof DescriptionSchema>

/** One version of a model on the wire. */
export const ModelVersionSchema = Type.Object(
  {
    name: Type.String(),
    version: Type.Integer(),
    aliases: Type.Array(Type.String(), {
      description: 'Aliases that point here; `latest` is the newest version.',
    }),
    jobId: Type.Union([Type.String(), Type.Null()], { description: 'Null: it was imported.' }),
    datasetId: Type.Union([Type.String(), Type.Null()], { description: 'Null: it was imported.' }),
    datasetSha256: Type.Union([Type.String(), Type.Null()], { description: 'Null: it was imported.' }),
    sha256: Type.String({ description: 'Hash of the manifest, which holds the hashes of the other files.' }),
    bytes: Type.Integer(),
    kind: Type.String(),
    inputShape: Type.Array(Type.Integer()),
    classes: Type.Array(Type.String()),
    parameterCount: Type.Integer(),
    preprocessing: FittedPreprocessingSchema,
    metrics: Type.Record(Type.String(), Type.Number()),
    temperature: Type.Union([Type.Number(), Type.Null()], {
      description: 'What the logits are divided by for calibrated probabilities; null where none was fitted.',
    }),
    description: Type.String(),
    tags: Type.Array(Type.String()),
    lineage: Type.Union([LineageSchema, Type.Null()], { description: 'Null: made by an earlier release.' }),
    createdAt: Type.String({ format: 'date-time' }),
  },
  { title: 'Model version' },
)

/** One version of a model. */
export type ModelVersion = Type.Static<typeof ModelVersionSchema>

/** A page of versions. */
export const ModelVersionPageSchema = pageOf(ModelVersionSchema)

/** A model on the wire. */
export const ModelSchema = Type.Object(
  {
    name: Type.String(),
    description: Type.String(),
    tags: Type.Array(Type.String()),
    versions: Type.Array(Type.Integer(), { description: 'Newest first.' }),
    aliases: Type.Record(Type.String(), Type.Integer(), {
      description: 'The version of each; of an alias that is split the one with the greatest weight.',
    }),
    createdAt: Type.String({ format: 'date-time' }),
  },
  { title: 'Model' },
)

/** A model and its versions. */
export type Model = Type.Static<typeof ModelSchema>

/**
 * What TensorFlow Serving tells of versions, so that its clients can ask here.
 * @see https://www.tensorflow.org/tfx/serving/api_rest#model_status_api
 */
const versionStatus = {
  model_version_status: Type.Array(
    Type.Object({
      version: Type.String(),
      state: Type.Literal('AVAILABLE', {
        description: 'Versions are loaded when they are asked for, so each is.',
      }),
      status: Type.Object({ error_code: Type.Literal('OK'), error_message: Type.Literal('') }),
    }),
  ),
}

/** A model read by itself. */
export const ModelStatusSchema = Type.Object(
  { ...ModelSchema.properties, ...versionStatus },
  { title: 'Model and its versions’ status' },
)

/** A version read by itself. */
export const ModelVersionStatusSchema = Type.Object(
  { ...ModelVersionSchema.properties, ...versionStatus },
  { title: 'Model version and its status' },
)

/** The status of versions, as TensorFlow Serving tells it. */
export const VersionStatusSchema = Type.Object(versionStatus, { title: 'Status of versions' })

/** The status of versions. */
export type VersionStatus = Type.Static<typeof VersionStatusSchema>

/** A page of models. */
export const ModelPageSchema = pageOf(ModelSchema)

/** An alias: a lower-case name, never a number. */
export const AliasNameSchema = Type.String({ pattern: '^[a-z][a-z0-9._-]{0,62}$', maxLength: 63 })
