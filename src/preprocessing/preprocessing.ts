import { Type } from 'typebox'
import { ColumnRequestSchema, ScalingSchema } from './columns/column-request.ts'
import type { ColumnSpec, FittedColumn } from './columns/registry.ts'
import { type ImagePreprocessing, ImageRequestSchema } from './images.ts'

const Factor = Type.Number({
  description: 'Every feature is multiplied by this. 1/255 takes bytes to 0 … 1.',
})
const Offset = Type.Number({ description: 'Is added after that. Default: 0.' })

/** What is done to raw features before the first layer, in a request. Training and prediction do the same. */
export const PreprocessingRequestSchema = Type.Object(
  {
    scale: Type.Optional(Factor),
    offset: Type.Optional(Offset),
    standardize: Type.Optional(
      Type.Enum(['global', 'perFeature'] as const, {
        description:
          'To mean 0 and deviation 1 by the training examples: all features alike, or each by itself. In place of ' +
          '`scale` and `offset`.',
      }),
    ),
    image: Type.Optional(ImageRequestSchema),
    columns: Type.Optional(
      Type.Record(Type.String(), Type.Union([ColumnRequestSchema, Type.Null()]), {
        description:
          'Of a table, by the name of the column; null: it is not used. Columns that are not named get the defaults of ' +
          'their type; constant, id-like and text columns are not used.',
      }),
    ),
    target: Type.Optional(
      Type.Enum(ScalingSchema.enum, {
        description:
          'How the targets of a regression are scaled; predictions come back in their own units. Default: standardize.',
      }),
    ),
  },
  {
    additionalProperties: false,
    title: 'Preprocessing',
    description:
      'Images and arrays: `scale` and `offset`, or `standardize`; the default for bytes is 1/255, else 1. Tables: ' +
      '`columns`. Its figures come from the training examples alone, and are stored with the model.',
  },
)

/** What is done to raw features, in a request. */
export type PreprocessingRequest = Type.Static<typeof PreprocessingRequestSchema>

/** How the targets of a regression are scaled. */
export type TargetScaling = 'standardize' | 'minMax' | 'none'

/** Of features without names. */
export type NumberPreprocessing = (
  | { scale: number; offset?: number }
  | { standardize: 'global' | 'perFeature' }
) & { image?: ImagePreprocessing; target?: TargetScaling }

/** Of the columns of a table, by name; null: not used. */
export interface TablePreprocessing {
  columns: Record<string, ColumnSpec | null>
  target?: TargetScaling
}

/** What is done to raw features, with the defaults filled in; itself a request. */
export type Preprocessing = NumberPreprocessing | TablePreprocessing

/** The default for bytes: x / 255, no mean subtraction, as in Keras's MNIST examples. */
export const BYTE_SCALE = 1 / 255

const FittedImageSchema = Type.Optional(
  Type.Unsafe<ImagePreprocessing>({ type: 'object', required: ['fit', 'invert', 'centerOfMass'] }),
)

const FittedTargetSchema = Type.Optional(
  Type.Array(Type.Object({ center: Type.Number(), spread: Type.Number() }), {
    description: 'Of a regression, by target: the network gives (y − center) / spread.',
  }),
)

/** Preprocessing with the figures of the training examples, as it is stored with a model. */
export const FittedPreprocessingSchema = Type.Union(
  [
    Type.Object({
      scale: Factor,
      offset: Type.Optional(Offset),
      image: FittedImageSchema,
      target: FittedTargetSchema,
    }),
    Type.Object({
      centers: Type.Array(Type.Number()),
      spreads: Type.Array(Type.Number(), { description: '(x − center) / spread, feature by feature.' }),
      image: FittedImageSchema,
      target: FittedTargetSchema,
    }),
    Type.Object({
      columns: Type.Record(Type.String(), Type.Unsafe<FittedColumn | null>({}), {
        description: 'By the name of the column; null: not used.',
      }),
      target: FittedTargetSchema,
    }),
  ],
  { title: 'Fitted preprocessing' },
)

/** Preprocessing with the figures of the training examples. */
export type FittedPreprocessing = Type.Static<typeof FittedPreprocessingSchema>

/** A target of a regression: the network gives (y − center) / spread. */
export interface FittedTarget {
  center: number
  spread: number
}
