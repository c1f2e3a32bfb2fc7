import { Type } from 'typebox'

const name = Type.String()

/** Parameters of which these are known; others are accepted and mean nothing, as the protocol wants it. */
function parametersOf<Known extends Type.TProperties>(known: Known) {
  return Type.Optional(Type.Object(known))
}

/** An input, its data in JSON or behind it. */
const InputSchema = Type.Object({
  name,
  shape: Type.Array(Type.Integer({ minimum: 0 }), { minItems: 1, maxItems: 8 }),
  datatype: Type.String({
    description: 'BOOL, UINT8 … UINT64, INT8 … INT64, FP32, FP64, BYTES (images, or texts of a column).',
  }),
  parameters: parametersOf({
    binary_data_size: Type.Optional(Type.Integer({ minimum: 0, description: 'Bytes behind the JSON.' })),
  }),
  data: Type.Optional(Type.Unknown({ description: 'Values, nested or in a row; images as base64.' })),
})

/** Parameters of an output. */
const OutputParameters = {
  classification: Type.Optional(Type.Integer({ minimum: 0, description: 'The so many greatest values.' })),
  binary_data: Type.Optional(Type.Boolean()),
}

/** @see https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md */
export const InferRequestSchema = Type.Object(
  {
    id: Type.Optional(Type.String()),
    parameters: parametersOf({
      binary_data_output: Type.Optional(Type.Boolean()),
      timeout: Type.Optional(Type.Integer({ minimum: 0, description: 'Microseconds; 0: none.' })),
    }),
    inputs: Type.Array(InputSchema, { minItems: 1, maxItems: 65_536 }),
    outputs: Type.Optional(Type.Array(Type.Object({ name, parameters: parametersOf(OutputParameters) }))),
  },
  { title: 'Inference request' },
)

/** The JSON of an inference request. */
export type InferRequestJson = Type.Static<typeof InferRequestSchema>

/** An answer; with `binary_data` its data stands behind it. */
export const InferResponseSchema = Type.Object(
  {
    model_name: Type.String(),
    model_version: Type.String(),
    id: Type.Optional(Type.String()),
    outputs: Type.Array(
      Type.Object({
        name: Type.String(),
        datatype: Type.String(),
        shape: Type.Array(Type.Integer()),
        parameters: Type.Optional(Type.Object({ binary_data_size: Type.Integer() })),
        data: Type.Optional(Type.Array(Type.Union([Type.Number(), Type.String()]))),
      }),
    ),
  },
  { title: 'Inference response' },
)

const TensorSchema = Type.Object({
  name: Type.String(),
  datatype: Type.String(),
  shape: Type.Array(Type.Integer(), { description: '-1: any number of examples.' }),
})

/** What is told of a model. */
export const ModelMetadataSchema = Type.Object(
  {
    name: Type.String(),
    versions: Type.Array(Type.String()),
    platform: Type.String(),
    inputs: Type.Array(TensorSchema),
    outputs: Type.Array(TensorSchema),
  },
  { title: 'Model metadata' },
)

/** What is told of a model. */
export type ModelMetadata = Type.Static<typeof ModelMetadataSchema>

/** What is told of the server. */
export const ServerMetadataSchema = Type.Object(
  { name: Type.String(), version: Type.String(), extensions: Type.Array(Type.String()) },
  { title: 'Server metadata' },
)

/** Body of a request for the index. */
export const IndexRequestSchema = Type.Object(
  { ready: Type.Optional(Type.Boolean({ description: 'Only those that are in memory.' })) },
  { title: 'Repository index request' },
)

/** A version in the index. */
export const IndexSchema = Type.Array(
  Type.Object({
    name: Type.String(),
    version: Type.String(),
    state: Type.Enum(['READY', 'UNAVAILABLE'] as const),
    reason: Type.String(),
  }),
  { title: 'Repository index' },
)

/** Versions and where they are. */
export type RepositoryIndex = Type.Static<typeof IndexSchema>

/** Body of a request to load or unload a model. */
export const LoadRequestSchema = Type.Object(
  { parameters: parametersOf({ unload_dependents: Type.Optional(Type.Boolean()) }) },
  { title: 'Load or unload request' },
)
