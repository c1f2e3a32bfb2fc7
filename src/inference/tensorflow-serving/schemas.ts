import { Type } from 'typebox'

const signature_name = Type.Optional(
  Type.String({
    description: '`serving_default`; for classify and regress also `classification` and `regression`.',
  }),
)

/** @see https://www.tensorflow.org/tfx/serving/api_rest#predict_api */
export const PredictRequestSchema = Type.Object(
  {
    signature_name,
    instances: Type.Optional(
      Type.Unknown({
        description: 'Rows: numbers in any nesting, `{ "b64": … }`, or objects of named inputs.',
      }),
    ),
    inputs: Type.Optional(Type.Unknown({ description: 'Columns: one array, or an object of named arrays.' })),
  },
  { additionalProperties: false, title: 'TensorFlow Serving predict request' },
)

/** A request to predict. */
export type PredictRequestJson = Type.Static<typeof PredictRequestSchema>

/** The answer to rows, or to columns. */
export const PredictResponseSchema = Type.Object(
  {
    predictions: Type.Optional(Type.Array(Type.Array(Type.Number()))),
    outputs: Type.Optional(Type.Array(Type.Array(Type.Number()))),
  },
  { title: 'TensorFlow Serving predict response' },
)

const Features = Type.Record(Type.String(), Type.Unknown())

/** @see https://www.tensorflow.org/tfx/serving/api_rest#classify_and_regress_api */
export const ExamplesRequestSchema = Type.Object(
  {
    signature_name,
    context: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'What all examples share.' }),
    ),
    examples: Type.Array(Features, { minItems: 1 }),
  },
  { additionalProperties: false, title: 'TensorFlow Serving classify or regress request' },
)

/** A request to classify or to regress. */
export type ExamplesRequestJson = Type.Static<typeof ExamplesRequestSchema>

/** Every class with its probability, for each example; or the value of each example. */
export const ResultsSchema = Type.Object(
  {
    results: Type.Array(
      Type.Union([Type.Number(), Type.Array(Type.Array(Type.Union([Type.String(), Type.Number()])))]),
    ),
  },
  { title: 'TensorFlow Serving results' },
)

const TensorInfo = Type.Object({
  dtype: Type.String(),
  tensor_shape: Type.Object({
    dim: Type.Array(Type.Object({ size: Type.String(), name: Type.String() })),
    unknown_rank: Type.Boolean(),
  }),
  name: Type.String(),
})

const Signature = Type.Object({
  inputs: Type.Record(Type.String(), TensorInfo),
  outputs: Type.Record(Type.String(), TensorInfo),
  method_name: Type.String(),
})

/** @see https://github.com/tensorflow/serving/blob/master/tensorflow_serving/apis/get_model_metadata.proto */
export const MetadataSchema = Type.Object(
  {
    model_spec: Type.Object({
      name: Type.String(),
      signature_name: Type.String(),
      version: Type.String(),
    }),
    metadata: Type.Object({
      signature_def: Type.Object({ signature_def: Type.Record(Type.String(), Signature) }),
    }),
  },
  { title: 'TensorFlow Serving metadata' },
)

/** What is told of a model. */
export type Metadata = Type.Static<typeof MetadataSchema>
