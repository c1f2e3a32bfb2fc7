import { Type } from 'typebox'
import type { Graph } from './graph.ts'
import type { Value } from './operations.ts'

/** What is done to raw features before the first layer, in training and prediction alike. */
export const PreprocessingSchema = Type.Object(
  {
    scale: Type.Number({
      description: 'Every feature is multiplied by this. 1/255 takes bytes to the range 0 to 1.',
    }),
  },
  { additionalProperties: false },
)

/** Preprocessing of features; it is stored with the model. */
export type Preprocessing = Type.Static<typeof PreprocessingSchema>

/** The default for bytes: x / 255, no mean subtraction, as in Keras's MNIST examples. */
export const UINT8_PREPROCESSING: Preprocessing = { scale: 1 / 255 }

/** Writes `[batch, features]` raw to `[batch, features]` as the first layer wants it. */
export function preprocess(graph: Graph, preprocessing: Preprocessing, features: Value): Value {
  return graph.scale(features, preprocessing.scale)
}
