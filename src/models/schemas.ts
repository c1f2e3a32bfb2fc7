import { Type } from 'typebox'
import { pageOf } from '../pagination.ts'
import { FittedPreprocessingSchema } from '../preprocessing/preprocessing.ts'

/** One version of a model on the wire. */
export const ModelVersionSchema = Type.Object(
  {
    name: Type.String(),
    version: Type.Integer(),
    aliases: Type.Array(Type.String(), {
      description: 'Aliases that point here; `latest` is the newest version.',
    }),
    jobId: Type.String(),
    datasetId: Type.String(),
    datasetSha256: Type.String(),
    sha256: Type.String({ description: 'Hash of the manifest, which holds the hashes of the other files.' }),
    bytes: Type.Integer(),
    kind: Type.String(),
    inputShape: Type.Array(Type.Integer()),
    classes: Type.Array(Type.String()),
    parameterCount: Type.Integer(),
    preprocessing: FittedPreprocessingSchema,
    metrics: Type.Record(Type.String(), Type.Number()),
    createdAt: Type.String({ format: 'date-time' }),
  },
  { title: 'Model version' },
)

/** One version of a model. */
export type ModelVersion = Type.Static<typeof ModelVersionSchema>

/** A model on the wire. */
export const ModelSchema = Type.Object(
  {
    name: Type.String(),
    versions: Type.Array(Type.Integer(), { description: 'Newest first.' }),
    aliases: Type.Record(Type.String(), Type.Integer()),
    createdAt: Type.String({ format: 'date-time' }),
  },
  { title: 'Model' },
)

/** A model and its versions. */
export type Model = Type.Static<typeof ModelSchema>

/**
 * A model read by itself: with what TensorFlow Serving tells of it, so that its clients can ask here.
 * @see https://www.tensorflow.org/tfx/serving/api_rest#model_status_api
 */
export const ModelStatusSchema = Type.Object(
  {
    ...ModelSchema.properties,
    model_version_status: Type.Array(
      Type.Object({
        version: Type.String(),
        state: Type.Literal('AVAILABLE', {
          description: 'Versions are loaded when they are asked for, so each is.',
        }),
        status: Type.Object({ error_code: Type.Literal('OK'), error_message: Type.Literal('') }),
      }),
    ),
  },
  { title: 'Model and its versions’ status' },
)

/** A model read by itself. */
export type ModelStatus = Type.Static<typeof ModelStatusSchema>

/** A page of models. */
export const ModelPageSchema = pageOf(ModelSchema)

/** An alias: a lower-case name, never a number. */
export const AliasNameSchema = Type.String({ pattern: '^[a-z][a-z0-9._-]{0,62}$', maxLength: 63 })
