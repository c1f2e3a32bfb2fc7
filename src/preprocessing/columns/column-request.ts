import { Type } from 'typebox'

/** How a missing value is filled in. */
export const ImputeSchema = Type.Enum(['mean', 'median', 'mostFrequent', 'constant', 'category'] as const, {
  description:
    'For missing values: a figure of the training examples, or the constant `fill`, or (one-hot only) a category of ' +
    'their own. Default: median of numbers and times, mostFrequent of booleans; categories get one of their own when ' +
    'the training examples have missing ones, else mostFrequent.',
})

/** How numbers are brought to a like size. */
export const ScalingSchema = Type.Enum(['standardize', 'minMax', 'none'] as const, {
  description: 'To mean 0 and deviation 1, to 0 … 1, or not at all. Default: standardize.',
})

/** Parts of a time that come round again. */
export const DatetimePartSchema = Type.Enum(['month', 'dayOfMonth', 'dayOfWeek', 'hour', 'minute'] as const)

/** How a column becomes inputs of the network, in a request; which options apply depends on the column's type. */
export const ColumnRequestSchema = Type.Object(
  {
    impute: Type.Optional(ImputeSchema),
    fill: Type.Optional(
      Type.Union([Type.Number(), Type.String({ maxLength: 1_000 })], {
        description: 'For `constant`: a number, a category, or a time as ISO 8601.',
      }),
    ),
    indicator: Type.Optional(
      Type.Boolean({
        description:
          'An input more, 1 where the value is missing. Default: true when training examples lack it.',
      }),
    ),
    clip: Type.Optional(
      Type.Tuple([Type.Number({ minimum: 0, maximum: 1 }), Type.Number({ minimum: 0, maximum: 1 })], {
        description: 'Quantiles beyond which numbers are cut off: `[0.01, 0.99]`. Default: none.',
      }),
    ),
    log1p: Type.Optional(
      Type.Boolean({
        description: 'sign(x) · log(1 + |x|), for numbers of very different size. Default: false.',
      }),
    ),
    scale: Type.Optional(ScalingSchema),
    encode: Type.Optional(
      Type.Enum(['oneHot', 'ordinal'] as const, {
        description: 'An input for each category, or one that goes from 0 to 1. Default: oneHot.',
      }),
    ),
    categories: Type.Optional(
      Type.Array(Type.String({ maxLength: 1_000 }), {
        minItems: 1,
        maxItems: 10_000,
        uniqueItems: true,
        description:
          'Those that are told apart, for `ordinal` in order. Default: those of the training examples that ' +
          '`rareBelow` and `maxCategories` let through.',
      }),
    ),
    rare: Type.Optional(
      Type.Boolean({
        description:
          'An input for all other categories, also those never seen; without it they are all zeros. Default: true ' +
          'when training examples have other categories.',
      }),
    ),
    rareBelow: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'Categories with fewer training examples are rare. Default: 1.',
      }),
    ),
    maxCategories: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description: 'All but the most frequent are rare. Default: 100.',
      }),
    ),
    parts: Type.Optional(
      Type.Array(DatetimePartSchema, {
        uniqueItems: true,
        description:
          'Parts of a time that come round again, each as sine and cosine. Default: month and dayOfWeek, and hour ' +
          'when the times are not all midnight.',
      }),
    ),
    elapsed: Type.Optional(
      Type.Boolean({ description: 'An input for how late it is, standardized. Default: true.' }),
    ),
  },
  { additionalProperties: false, title: 'Preprocessing of a column' },
)

/** How a column becomes inputs of the network, in a request. */
export type ColumnRequest = Type.Static<typeof ColumnRequestSchema>

/** An option that a column of some type takes. */
export type ColumnOption = keyof ColumnRequest
