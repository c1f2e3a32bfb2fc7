import { Type } from 'typebox'

/** Bytes of one request at most. */
export const BODY_BYTES_MAX = 32 * 1024 ** 2

/** Inputs of one request at most. */
export const INPUTS_MAX = 10_000

/** A JSON body of a prediction: images, or numbers. */
export const PredictionRequestSchema = Type.Object(
  {
    images: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        maxItems: INPUTS_MAX,
        description: 'PNG, JPEG or WebP files, base64.',
      }),
    ),
    instances: Type.Optional(
      Type.Array(Type.Array(Type.Unknown()), {
        minItems: 1,
        maxItems: INPUTS_MAX,
        description: 'Features in the units of the training data, flat or in the shape of an example.',
      }),
    ),
  },
  { additionalProperties: false, minProperties: 1, maxProperties: 1, title: 'Prediction request' },
)

/** A JSON body of a prediction. */
export type PredictionRequest = Type.Static<typeof PredictionRequestSchema>

/** Query of a prediction. */
export const PredictionQuery = Type.Object(
  {
    topK: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 65_536, default: 5, description: 'Classes listed; at most all.' }),
    ),
    probabilities: Type.Optional(
      Type.Boolean({ default: true, description: 'Without them the answer has labels only.' }),
    ),
    includeInput: Type.Optional(
      Type.Boolean({ default: false, description: 'Return the numbers that went into the model.' }),
    ),
  },
  { additionalProperties: false },
)

const RankedClass = Type.Object({ label: Type.String(), probability: Type.Number() })

const PredictionSchema = Type.Object({
  label: Type.String({ description: 'The most probable class.' }),
  probability: Type.Optional(Type.Number({ description: 'Left out with probabilities=false.' })),
  top: Type.Optional(
    Type.Array(RankedClass, {
      description: 'The most probable classes, best first. Left out with probabilities=false.',
    }),
  ),
  input: Type.Optional(
    Type.Object(
      { shape: Type.Array(Type.Integer()), values: Type.Array(Type.Number()) },
      { description: 'With includeInput: what the model was given, in the data’s units, row by row.' },
    ),
  ),
})

/** The answer to one input. */
export type Prediction = Type.Static<typeof PredictionSchema>

/** A part of an answer: predictions in the order of the inputs. */
export const PredictionListSchema = Type.Array(PredictionSchema)

/** The answer to a prediction, in the order of the inputs. */
export const PredictionResponseSchema = Type.Object(
  {
    model: Type.Object({ name: Type.String(), version: Type.Integer() }),
    predictions: PredictionListSchema,
  },
  { title: 'Predictions' },
)

/** The answer to a prediction. */
export type PredictionResponse = Type.Static<typeof PredictionResponseSchema>
