import { Type } from 'typebox'

/** Bytes of one request at most. */
export const BODY_BYTES_MAX = 32 * 1024 ** 2

/** Inputs of one request at most. */
export const INPUTS_MAX = 10_000

/** Rows of CSV in one request at most. */
export const CSV_ROWS_MAX = 100_000

/** A JSON body of a prediction: images, numbers, or rows of a table. */
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
        description:
          'Features in the units of the training data, flat or in the shape of an example; of a table the values of its ' +
          'columns, in the order of the input schema.',
      }),
    ),
    rows: Type.Optional(
      Type.Array(Type.Record(Type.String(), Type.Unknown()), {
        minItems: 1,
        maxItems: INPUTS_MAX,
        description:
          'Of a table: values by the names of its columns, as in the input schema of the model; null where one is missing.',
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
    calibrated: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'Divide the logits by the temperature of the version, so that probabilities are as sure as it is right. ' +
          'Without it they are those of the training.',
      }),
    ),
    abstainBelow: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: 'Answer with `label: null` where the best class is less probable.',
      }),
    ),
    rowErrors: Type.Optional(
      Type.Enum(['refuse', 'inline'] as const, {
        description:
          'What becomes of an input that cannot be used: it refuses the request and is named (the default), or it has an ' +
          '`error` in the place of its prediction (the default for CSV).',
      }),
    ),
    explain: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Say what each feature did for the class, of 16 inputs at most.',
      }),
    ),
  },
  { additionalProperties: false },
)

const RankedClass = Type.Object({ label: Type.String(), probability: Type.Number() })

const PredictionSchema = Type.Object({
  label: Type.Optional(
    Type.Union([Type.String(), Type.Null()], {
      description: 'The most probable class; null where it is less probable than abstainBelow.',
    }),
  ),
  abstained: Type.Optional(Type.Boolean({ description: 'With abstainBelow.' })),
  probability: Type.Optional(
    Type.Number({ description: 'Of the most probable class. Left out with probabilities=false.' }),
  ),
  labels: Type.Optional(
    Type.Array(Type.String(), { description: 'Where there may be several: all from 0.5 on.' }),
  ),
  values: Type.Optional(
    Type.Array(Type.Number(), { description: 'Of a regression, in the units of the targets.' }),
  ),
  top: Type.Optional(
    Type.Array(RankedClass, {
      description: 'The most probable classes, best first. Left out with probabilities=false.',
    }),
  ),
  input: Type.Optional(
    Type.Object(
      {
        shape: Type.Array(Type.Integer()),
        values: Type.Array(Type.Union([Type.Number(), Type.Boolean(), Type.String(), Type.Null()])),
      },
      { description: 'With includeInput: what the model was given, in the data’s units, row by row.' },
    ),
  ),
  error: Type.Optional(
    Type.Object(
      { code: Type.String(), detail: Type.String(), pointer: Type.String() },
      { description: 'With rowErrors=inline: why this input has no prediction. Nothing else is there then.' },
    ),
  ),
  saliency: Type.Optional(
    Type.Object(
      {
        label: Type.String(),
        shape: Type.Array(Type.Integer()),
        values: Type.Array(Type.Number()),
        overlay: Type.Union([Type.String(), Type.Null()], {
          description: 'Of an image: a PNG, base64, with red where it speaks for the class and blue against.',
        }),
      },
      {
        description:
          'With explain: gradient × input of the logit of the class, row by row; positive values speak for it.',
      },
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
